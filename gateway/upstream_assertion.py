"""The header by which an upstream knows who asks: a signed assertion for that upstream alone, made anew every 30 s."""

from __future__ import annotations

from gateway.callers.caller import Caller
from gateway.header import Header
from gateway.routes.route_table import Route
from jose.assertion import HEADER, AssertionSigner, Subject

_NAME = HEADER.lower().encode()
_NOBODY = Subject()


class UpstreamAssertion:
    """Signs for callers and for nobody; the signer caches."""

    def __init__(self, signer: AssertionSigner) -> None:
        self._signer = signer

    def header(self, caller: Caller | None, route: Route, obligations: tuple[str, ...], now: float) -> Header:
        """The header for one request. `now` is epoch seconds."""
        token = self._signer.sign(
            route.upstream,
            _NOBODY if caller is None else caller.spoken_of,
            zone=route.zone.name,
            obligations=obligations,
            now=now,
        )
        return _NAME, token.encode()
