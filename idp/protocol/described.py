"""What is described of APIs, as rules: which scopes are whose and whom they are for, and how long their tokens last.

A token for an API carries scopes of that API and the standard ones; a client that asks for more is refused, and nothing
that was not asked for is ever added (RFC 6749, section 3.3; RFC 8707, section 2). What nobody has described is limited
by what the client registered alone, unless only what is described may be had.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from idp.protocol import resource, scopes
from idp.protocol.access_token import AUDIENCE
from idp.protocol.resource import InvalidTarget

Party = Literal["people", "programs"]
"""On whose behalf: a person's, or a program's own (RFC 6749, section 4.4)."""


class InvalidScope(ValueError):
    """`invalid_scope`; the message says why, and may be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeLimits:
    """What is said of a scope."""

    resource: str
    """The API that it is of."""
    parties: frozenset[Party]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What holds for the requests of one client."""

    lifetimes: Mapping[str, int | None]
    """Every described API, by its identifier: seconds that an access token for it lives; None: it does not say."""
    scopes: Mapping[str, ScopeLimits]
    strict: bool
    """Whether what nobody has described may not be had."""

    def targets(self, asked: Sequence[str], allowed: Collection[str], scope: Collection[str]) -> tuple[str, ...]:
        """Where the tokens of a request are to be good; empty: at the house's own services. Raises `InvalidTarget`.

        `allowed` are the resources that the client registered. Whoever names none, and asks for scopes of one of these
        alone, is understood to mean it: that takes a token from the house's services, and never adds a place.
        """
        return self.known(resource.targets(asked, allowed)) or self._implied(scope, allowed)

    def known(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """The same, if tokens may be had for all of them. Raises `InvalidTarget`."""
        if self.strict and not set(targets) <= {AUDIENCE, *self.lifetimes}:
            raise InvalidTarget("nobody has described that resource")
        return targets

    def check(self, scope: Collection[str], targets: Collection[str], party: Party) -> None:
        """Whether all of this may be in a token for these. Raises `InvalidScope`."""
        for name in scope:
            if fault := self._fault(name, targets or (AUDIENCE,), party):
                raise InvalidScope(fault)

    def fitting(self, scope: Collection[str], targets: Collection[str], party: Party) -> tuple[str, ...]:
        """That part of it which may be."""
        return tuple(name for name in scope if self._fault(name, targets or (AUDIENCE,), party) is None)

    def lifetime(self, targets: Collection[str]) -> int | None:
        """Seconds that an access token for these lives at most, the shortest of what each says; None: none says."""
        said = [seconds for one in targets if (seconds := self.lifetimes.get(one)) is not None]
        return min(said, default=None)

    def _implied(self, scope: Collection[str], allowed: Collection[str]) -> tuple[str, ...]:
        of = tuple(dict.fromkeys(self.scopes[name].resource for name in scope if name in self.scopes))
        if of in ((), (AUDIENCE,)):
            return ()
        if len(of) > 1:
            raise InvalidTarget("resource is missing, and the scopes are of several")
        if of[0] not in allowed:
            raise InvalidTarget("this client may not ask for tokens for the resource of that scope")
        return of

    def _fault(self, name: str, targets: Collection[str], party: Party) -> str | None:
        if name in scopes.SCOPES:
            return None
        limits = self.scopes.get(name)
        if limits is None:
            return f"nobody has described {name}" if self.strict else None
        if limits.resource not in targets:
            return f"{name} is a scope of another resource"
        return None if party in limits.parties else f"{name} is not for {party}"


NOTHING_DESCRIBED: Final = Described(lifetimes={}, scopes={}, strict=False)
