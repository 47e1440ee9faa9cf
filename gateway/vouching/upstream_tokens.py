"""Access tokens for upstreams, of each caller's session (RFC 8693): the gateway exchanges the person's token as its own
client, which the new one names in `act`.

A token is kept with its caller, so it goes with their session and with each refresh; the warm way finds it there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog

from config.clock import Clock
from config.problem import Problem, ProblemType
from gateway.callers.caller import Caller
from gateway.header import Header
from gateway.relying_party.provider import GrantRefused, Provider, ProviderUnreachable, Tokens
from gateway.vouching.told import NO_SCOPE, UpstreamToken, WantedToken

_log = structlog.get_logger(__name__)

UPSTREAM_TOKEN_REFUSED = ProblemType(
    "MJ-GATEWAY-240", HTTPStatus.FORBIDDEN, "The service wants an access token for you that is not given",
    "Sign in again. If it happens again, ask your administrator and give the correlation id.",
)  # fmt: skip
UPSTREAM_TOKEN_AWAY = ProblemType(
    "MJ-GATEWAY-241", HTTPStatus.SERVICE_UNAVAILABLE, "The service wants an access token for you that can't be had now",
    "Nothing is lost. Try again in a moment.",
)  # fmt: skip

_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a kind
AHEAD: Final = 10.0
"""Seconds before its end from which a token is used no more: the request must reach the upstream, and be served."""
LEAST: Final = 1.0
"""Seconds for which a token that is about to end is used all the same."""
PAUSE: Final = 3.0
"""Seconds before the identity provider is asked again for what it refused, or while it is away."""

OwnToken = Callable[[Caller], Awaitable[str]]
"""The access token of a cookie session. Raises `StoreUnreachable`, or `LookupError` where there is none any more."""


@dataclass(frozen=True, slots=True)
class _Actor:
    token: str
    until: float


class UpstreamTokens:
    """Of one gateway process."""

    def __init__(self, *, provider: Provider, clock: Clock, own_token: OwnToken) -> None:
        self._provider = provider
        self._clock = clock
        self._own_token = own_token
        self._actor: _Actor | None = None
        self._under_way: dict[tuple[int, WantedToken], asyncio.Task[None]] = {}

    def find(self, caller: Caller, wanted: WantedToken, now: float) -> Header | None:
        """The Authorization field for one upstream; None: it must be had first. `now` is epoch seconds."""
        held = caller.tokens.get(wanted) if caller.tokens is not None else None
        return None if held is None or now >= held.until else held.header

    async def obtain(self, caller: Caller, wanted: WantedToken, bearer: bytes | None) -> None:
        """Have `find` find it. Whoever waits for the same one waits for one exchange.

        `bearer`: the access token that the request showed; None: it came by cookie. Raises `Problem` where it is not to
        be had, or was not a moment ago; `StoreUnreachable`.
        """
        if wanted.scope == NO_SCOPE:
            raise Problem(UPSTREAM_TOKEN_REFUSED)
        if not self._is_known(caller, wanted):
            await self._once(caller, wanted, bearer)
            self._is_known(caller, wanted)

    def _is_known(self, caller: Caller, wanted: WantedToken) -> bool:
        held = caller.tokens.get(wanted) if caller.tokens is not None else None
        if held is None or self._clock.timestamp() >= held.until:
            return False
        if held.refused is not None:
            raise Problem(held.refused)
        return True

    async def _once(self, caller: Caller, wanted: WantedToken, bearer: bytes | None) -> None:
        key = (id(caller), wanted)
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._obtain(caller, wanted, bearer))
            task.add_done_callback(lambda done: self._done(key, done))
        await asyncio.shield(task)

    def _done(self, key: tuple[int, WantedToken], task: asyncio.Task[None]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # whoever still waits raises it

    async def _obtain(self, caller: Caller, wanted: WantedToken, bearer: bytes | None) -> None:
        identity, asked_at = caller.identity, self._clock.timestamp()
        try:
            subject = bearer.decode("ascii") if bearer is not None else await self._own_token(caller)
            tokens = await self._exchanged(subject, wanted)
        except (GrantRefused, LookupError) as error:
            _log.warning("upstream_token_refused", resource=wanted.resource, sid=identity.sid, error=str(error))
            held = UpstreamToken(until=self._clock.timestamp() + PAUSE, refused=UPSTREAM_TOKEN_REFUSED)
        except ProviderUnreachable as error:
            _log.warning("upstream_token_unreachable", resource=wanted.resource, sid=identity.sid, private=str(error))
            held = UpstreamToken(until=self._clock.timestamp() + PAUSE, refused=UPSTREAM_TOKEN_AWAY)
        else:
            until = min(asked_at + tokens.expires_in, identity.expires_at) - AHEAD
            held = UpstreamToken(
                until=max(until, asked_at + LEAST),
                header=(b"authorization", b"Bearer " + tokens.access_token.encode("ascii")),
            )
        if caller.identity is not identity:
            return  # it was refreshed meanwhile, and what came of its former token goes with that
        if caller.tokens is None:
            caller.tokens = {}
        caller.tokens[wanted] = held

    async def _exchanged(self, subject: str, wanted: WantedToken) -> Tokens:
        had_actor = self._actor is not None
        try:
            return await self._ask(subject, wanted)
        except GrantRefused as error:
            if not had_actor or error.error != "invalid_request":
                raise
            self._actor = None  # it may have been our own token that is not good any more
            return await self._ask(subject, wanted)

    async def _ask(self, subject: str, wanted: WantedToken) -> Tokens:
        return await self._provider.grant(
            grant_type=_EXCHANGE,
            subject_token=subject,
            subject_token_type=_ACCESS_TOKEN,
            actor_token=await self._as_ourselves(),
            actor_token_type=_ACCESS_TOKEN,
            resource=wanted.resource,
            **({"scope": wanted.scope} if wanted.scope else {}),
        )

    async def _as_ourselves(self) -> str:
        now = self._clock.timestamp()
        if self._actor is None or now >= self._actor.until:
            tokens = await self._provider.grant(grant_type="client_credentials")
            self._actor = _Actor(tokens.access_token, now + max(tokens.expires_in - AHEAD, LEAST))
        return self._actor.token
