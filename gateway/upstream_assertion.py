"""The header by which an upstream knows who asks: a signed assertion for that upstream alone, made anew every 30 s."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.callers.caller import Caller
from gateway.header import Header
from gateway.routes.route_table import Route
from jose.assertion import HEADER, AssertionSigner, Subject
from policy.obligations import scopes_left

_NAME = HEADER.lower().encode()
_NOBODY = Subject()


class UpstreamAssertion:
    """Signs for callers and for nobody; the signer caches."""

    def __init__(self, signer: AssertionSigner) -> None:
        self._signer = signer

    def header(self, caller: Caller | None, route: Route, obligations: tuple[str, ...], now: float) -> Header:
        """The header for one request: of the token's scopes those that the decision leaves. `now` is epoch seconds."""
        subject = _NOBODY if caller is None else caller.spoken_of
        if subject.scope and (left := scopes_left(obligations)) is not None:
            subject = replace(subject, scope=tuple(scope for scope in subject.scope if scope in left))
        token = self._signer.sign(
            route.upstream,
            subject,
            zone=route.zone.name,
            obligations=obligations,
            now=now,
        )
        return _NAME, token.encode()
