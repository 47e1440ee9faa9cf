"""Polls transmitters (RFC 8936): takes what they hold, and acknowledges it once it is committed.

Claim under a lease, commit, ask: no transaction is open while another machine is waited for. What was taken and not
acknowledged comes again, and is known for a replay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from config.clock import Clock
from config.connections import Database, Transaction, is_away
from config.envelope import Envelope
from config.outbound import Forbidden, Outbound, Unanswered
from config.web import new_correlation_id
from idp.sessions.received.intake import Intake
from idp.sessions.received.security_event import Unacceptable
from idp.sessions.received.transmitter import Transmitter, authorization_context
from jose.published_keys import KeysAway

EVERY = timedelta(seconds=10)
"""Between two polls of one transmitter that holds nothing."""
LONGEST_WAIT = timedelta(minutes=5)
"""Between two polls of one that does not answer."""
LEASE = timedelta(minutes=2)
EACH = 50
"""Tokens that are asked for at once."""
MOST_ROUNDS = 20
"""Requests to one transmitter in a row, while it says that it holds more."""
TURN = 15.0
"""Seconds after which no further round of one transmitter begins: who answers slowly keeps those of others waiting
once, and not for every round."""
MOST = 16
"""Transmitters that are polled at once, in one process."""
LARGEST = 1_048_576
"""Bytes of an answer."""

_log = structlog.get_logger(__name__)


class PolledTransmitters(Protocol):
    """Where it is kept who is polled, and when."""

    async def claim_polls(self, tx: Transaction, now: datetime, lease: datetime, limit: int) -> Sequence[Transmitter]:
        """Some that are due, nobody else's until `lease`."""

    async def polled(self, tx: Transaction, transmitter: Transmitter, due_at: datetime, failures: int) -> None:
        """When it is polled next, and how often in a row it could not be."""


class _Polled(msgspec.Struct, frozen=True, rename="camel"):
    """Section 2.3."""

    sets: dict[str, str] = {}
    more_available: bool = False


@dataclass(slots=True)
class _Answers:
    """What is said of tokens at the next request (section 2.4)."""

    ack: list[str] = field(default_factory=list)
    errors: dict[str, dict[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.ack or self.errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """`step` polls those that are due, side by side, and returns once all are done."""

    transmitters: PolledTransmitters
    intake: Intake
    outbound: Outbound
    envelope: Envelope
    database: Database
    clock: Clock

    async def step(self) -> int:
        """Poll whoever is due. Returns how many that were."""
        now = self.clock.now()
        async with self.database.begin() as tx:
            due = await self.transmitters.claim_polls(tx, now, now + LEASE, MOST)
        done = await asyncio.gather(*(self._poll(one) for one in due), return_exceptions=True)
        for problem in done:
            if problem is not None:  # of our own engines; the lease ends, and somebody polls again
                raise problem
        return len(due)

    async def _poll(self, transmitter: Transmitter) -> None:
        failures = 0
        try:
            await self._rounds(transmitter)
        except (Forbidden, Unanswered, KeysAway) as error:
            failures = transmitter.poll_failures + 1
            await self.intake.went_wrong(transmitter, f"polling: {error}")
        wait = min(EVERY * (1 << min(failures, 8)), LONGEST_WAIT) if failures else EVERY
        async with self.database.begin() as tx:
            await self.transmitters.polled(tx, transmitter, self.clock.now() + wait, failures)

    async def _rounds(self, transmitter: Transmitter) -> None:
        answers, over_at = _Answers(), self.clock.monotonic() + TURN
        for _ in range(MOST_ROUNDS):
            polled = await self._ask(transmitter, answers, EACH)
            answers, away = await self._take(transmitter, polled)
            if away is not None:
                await self._ask(transmitter, answers, 0)
                raise away
            if not (polled.more_available and polled.sets) or self.clock.monotonic() >= over_at:
                break
        if answers:
            await self._ask(transmitter, answers, 0)

    async def _take(self, transmitter: Transmitter, polled: _Polled) -> tuple[_Answers, KeysAway | None]:
        """Each token in a transaction of its own; one that cannot be taken holds up none of the others."""
        answers, away = _Answers(), None
        for jti, token in list(polled.sets.items())[:EACH]:
            try:
                await self.intake.accept(transmitter, token, new_correlation_id(), expected_jti=jti)
                answers.ack.append(jti)
            except Unacceptable as error:
                answers.errors[jti] = {"err": error.err, "description": error.description}
                await self.intake.refused(transmitter, error)
            except KeysAway as error:
                away = error
            except Exception as error:
                if is_away(error):
                    raise
                # whatever it is, it is as wrong the next time, and must not come back for ever
                _log.exception("a signal could not be taken", transmitter=str(transmitter.id))
                answers.errors[jti] = {"err": "invalid_request", "description": "the token could not be processed"}
        return answers, away

    async def _ask(self, transmitter: Transmitter, answers: _Answers, most: int) -> _Polled:
        assert transmitter.poll_uri is not None
        asked: dict[str, object] = {"maxEvents": most, "returnImmediately": True, "ack": answers.ack}
        if answers.errors:
            asked["setErrs"] = answers.errors
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if transmitter.sealed_authorization is not None:
            opened = self.envelope.open(transmitter.sealed_authorization, authorization_context(transmitter.id))
            headers["Authorization"] = opened.decode("ascii")
        answer = await self.outbound.ask(
            "POST", transmitter.poll_uri, headers=headers, most=LARGEST, content=msgspec.json.encode(asked)
        )
        if answer.status != 200:
            raise Unanswered(f"it answered {answer.status}")
        try:
            return msgspec.json.decode(answer.body, type=_Polled)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise Unanswered("its answer cannot be read") from error
