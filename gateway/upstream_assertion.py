"""The header by which an upstream knows who asks: a signed assertion for that upstream alone, made anew every 30 s."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.callers.caller import Caller
from gateway.header import Header
from gateway.routes.route_table import Route
from jose.assertion import HEADER, AssertionSigner, Subject
from policy.obligations import scopes_left
from policy.request import Elevated
from policy.risk.level import level_of


def with_elevated(roles: tuple[str, ...], elevations: tuple[Elevated, ...]) -> tuple[str, ...]:
    """The roles of a token and those that are held for a time, as services are told of them."""
    return tuple(sorted({*roles, *(one.role for one in elevations)}))


_NAME = HEADER.lower().encode()
_NOBODY = Subject()


class UpstreamAssertion:
    """Signs for callers and for nobody; the signer caches."""

    def __init__(self, signer: AssertionSigner) -> None:
        self._signer = signer

    def header(
        self,
        caller: Caller | None,
        route: Route,
        obligations: tuple[str, ...],
        now: float,
        elevations: tuple[Elevated, ...] = (),
        risk: int = 0,
    ) -> Header:
        """The header for one request: of the token's scopes those that the decision leaves. `now` is epoch seconds;
        `elevations`: the roles that it was let in by besides; `risk`: the decision's, of which its level is told."""
        who = _NOBODY if caller is None else caller.spoken_of
        if who.scope and (left := scopes_left(obligations)) is not None:
            who = replace(who, scope=tuple(scope for scope in who.scope if scope in left))
        if elevations:
            who = replace(who, roles=with_elevated(who.roles, elevations))
        token = self._signer.sign(
            route.upstream,
            who,
            zone=route.zone.name,
            obligations=obligations,
            risk=level_of(risk),
            now=now,
        )
        return _NAME, token.encode()
