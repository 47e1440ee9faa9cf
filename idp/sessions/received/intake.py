"""From a token as it came to what followed: verified by its transmitter's keys, then taken in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from events import outbox
from idp.sessions.received.reception import Outcome, Reception
from idp.sessions.received.security_event import TYP, Err, SecurityEvent, Unacceptable, read_claims
from idp.sessions.received.transmitter import Transmitter
from jose.foreign import ForeignToken
from jose.jws import InvalidToken, Refusal
from jose.published_keys import PublishedKeys
from notifications import queue

_log = structlog.get_logger(__name__)
_received = Counter(
    "munjigi_signals_received_total",
    "Shared signals of others, by what they tell and what came of them",
    ["event", "outcome"],
)
_ERRS: Final[dict[Refusal, tuple[Err, str]]] = {
    Refusal.UNKNOWN_KEY: ("invalid_key", "the key that it names is not among those that are published"),
    Refusal.SIGNATURE: ("invalid_key", "the signature is not by the key that it names"),
    Refusal.ALGORITHM: ("invalid_request", "alg must be ES256, RS256 or PS256"),
    Refusal.CRITICAL: ("invalid_request", "no crit is understood here"),
    Refusal.TYPE: ("invalid_request", "typ must be secevent+jwt"),
}


class TransmitterNotes(Protocol):
    """Where it is noted how a transmitter fares."""

    async def received(self, tx: Transaction, transmitter_id: UUID, now: datetime) -> None:
        """Something of it was taken."""

    async def went_wrong(self, tx: Transaction, transmitter_id: UUID, problem: str, now: datetime) -> None:
        """Something of it was refused, or it could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes tokens, however they came."""

    keys: PublishedKeys
    reception: Reception
    transmitters: TransmitterNotes
    database: Database
    valkey: Valkey
    clock: Clock

    async def accept(
        self, transmitter: Transmitter, token: str, correlation_id: str, *, expected_jti: str | None = None
    ) -> Outcome:
        """Verify a token, act on it, and commit. Raises `Unacceptable`; `KeysAway` where nobody can say yet."""
        event = await self._verified(transmitter, token)
        if expected_jti is not None and event.jti != expected_jti:
            raise Unacceptable("invalid_request", "the token has another jti than was said")
        async with self.database.begin() as tx:
            outcome = await self.reception.take(tx, transmitter, event, correlation_id)
            if outcome != "replayed":
                await self.transmitters.received(tx, transmitter.id, self.clock.now())
        if outcome == "acted":
            await outbox.poke(self.valkey)
            await queue.poke(self.valkey)
        for one in event.events:
            _received.labels(one.kind.short, outcome).inc()
        return outcome

    async def refused(self, transmitter: Transmitter, error: Unacceptable) -> None:
        """Note what was wrong, for whoever administers the organisation."""
        _received.labels("unread", error.err).inc()
        await self.went_wrong(transmitter, str(error))

    async def went_wrong(self, transmitter: Transmitter, problem: str) -> None:
        """Note that something of it could not be taken, or that it could not be asked."""
        _log.warning("signal_not_taken", transmitter=str(transmitter.id), problem=problem)
        async with self.database.begin() as tx:
            await self.transmitters.went_wrong(tx, transmitter.id, problem, self.clock.now())

    async def _verified(self, transmitter: Transmitter, token: str) -> SecurityEvent:
        try:
            found = _read(token)
            await self.keys.check(transmitter.jwks_uri, lambda published: found.check_signature(published.keys))
        except InvalidToken as error:
            err, why = _ERRS.get(error.refusal, ("invalid_request", "it is no security event token"))
            raise Unacceptable(err, why) from error
        return read_claims(found.claims, issuer=transmitter.issuer, audience=transmitter.audience, now=self.clock.now())


def _read(token: str) -> ForeignToken:
    """A token that says what it is and which key signed it. Raises `InvalidToken`, `Unacceptable`."""
    found = ForeignToken(token)
    if found.typ != TYP:
        raise InvalidToken(Refusal.TYPE)
    if not isinstance(found.header.get("kid"), str):
        raise Unacceptable("invalid_key", "the token names no key")
    return found
