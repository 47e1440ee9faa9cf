"""The courier: takes what is due, one message at a time, and writes down what became of it.

A message is sent outside of any transaction, under a claim. What was acknowledged is never sent again, save in one
window that nobody can close: a crash after the acknowledgement and before our commit. A mail goes again then with the
same Message-ID, by which its receiver knows it, a text with the same code. How a message is written and handed over is
its carrier's affair: there is one for each channel.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec
import structlog

from config.clock import Clock
from config.connections import Database, is_away, reading
from config.envelope import Envelope, EnvelopeError
from notifications.face import OURS, Face
from notifications.letter import WrongNotice
from notifications.metrics import OF_CHANNEL, Figures
from notifications.notice import Channel, Notice, NoticeKind
from notifications.outcome import Away, Deferred, Refused, WrongAddress
from notifications.queue import Body, sealing_context
from notifications.retries import MOST_ATTEMPTS, pause_after, pause_while_away
from notifications.storage import addressees, faces, messages
from notifications.storage.messages import LEASE, Claimed

ATTEMPT_LIMIT = 45.0
"""Seconds of one attempt; less than a claim lasts, so that no two workers ever send one message at a time."""
KEPT = timedelta(days=30)
"""How long it stays known that a message was sent, or died."""
_log = structlog.get_logger(__name__)


class Carrier(Protocol):
    """Who writes the messages of one channel, and hands them over, one at a time."""

    @property
    def channel(self) -> Channel:
        """Whose messages it carries."""

    @property
    def figures(self) -> Figures:
        """What is measured of it."""

    @property
    def provider(self) -> str:
        """By whom it goes, where somebody says later whether it arrived; empty: nobody does."""

    async def carry(self, message_id: UUID, notice: Notice, face: Face, *, expires_at: datetime, now: datetime) -> str:
        """Returns once it was taken, with what it is called there.

        Raises `WrongNotice` and `WrongAddress`, `Refused`, `Deferred` and `Away`.
        """

    async def leave(self) -> None:
        """Nothing more goes for now."""


@dataclass(slots=True)
class Weather:
    """What all lanes of a worker know of the server of their channel."""

    failures: int = 0
    clear_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether nothing is tried yet."""
        return self.clear_at is not None and now < self.clear_at


@dataclass(slots=True)
class Courier:
    """One lane: one carrier, one message at a time."""

    database: Database
    envelope: Envelope
    carrier: Carrier
    clock: Clock
    weather: Weather = field(default_factory=Weather)
    chance: random.Random = field(default_factory=random.SystemRandom)

    async def deliver_due(self, stop: asyncio.Event | None = None) -> int:
        """Deliver until nothing is due, or the server is away, or `stop`. Returns how many messages were tried."""
        tried = 0
        try:
            while not (stop and stop.is_set()) and await self.deliver_one():
                tried += 1
        finally:
            await self.carrier.leave()
        return tried

    async def deliver_one(self) -> bool:
        """Try the message that is due longest. False: there is none, or nothing is tried for now."""
        now = self.clock.now()
        if self.weather.holds(now):
            return False
        async with self.database.begin() as tx:
            claimed = await messages.claim(tx, now, now + LEASE, self.carrier.channel)
        if claimed is None:
            return False
        try:
            await self._send(claimed)
        except (WrongNotice, WrongAddress, EnvelopeError, msgspec.MsgspecError) as error:
            await self._bury(claimed, f"cannot be written ({type(error).__name__})", "unwritable")
        except Refused as error:
            await self._bury(claimed, str(error), "refused")
        except Deferred as error:
            await self._put_off(claimed, str(error))
        except Away as error:
            await self._wait_for_the_server(claimed, str(error), timedelta(seconds=error.wait))
        return True

    async def tidy(self) -> None:
        """Bury what expired, of every channel, and forget what was finished long ago."""
        now = self.clock.now()
        async with self.database.begin() as tx:
            died = await messages.bury_expired(tx, now)
            await messages.delete_finished(tx, now - KEPT)
        for channel, count in died.items():
            OF_CHANNEL[channel].dead.labels("expired").inc(count)
            _log.warning("messages_expired", channel=channel, count=count)

    async def next_due(self) -> datetime | None:
        """When there is something to do next, as far as is known now."""
        async with self.database.connect() as tx:
            count, due = await messages.waiting(tx, self.carrier.channel)
        self.carrier.figures.waiting.set(count)
        if due is None or self.weather.clear_at is None:
            return due
        return max(due, self.weather.clear_at)

    async def _send(self, claimed: Claimed) -> None:
        notice, face = await self._addressed(self._opened(claimed)), await self._face(claimed)
        try:
            async with asyncio.timeout(ATTEMPT_LIMIT):
                reference = await self.carrier.carry(
                    claimed.id, notice, face, expires_at=claimed.expires_at, now=self.clock.now()
                )
        except TimeoutError as error:
            raise Deferred("took too long") from error
        self.weather.failures, self.weather.clear_at = 0, None
        await self._mark_sent(claimed, reference)

    async def _addressed(self, notice: Notice) -> Notice:
        """With the address and the language that its person has now, where it came without. Raises `WrongAddress`."""
        if notice.to:
            return notice
        async with reading(self.database) as tx:
            person = await addressees.of_person(tx, notice.user_id) if notice.user_id else None
        if person is None:
            raise WrongAddress
        return msgspec.structs.replace(notice, to=person.email, name=person.name, locale=person.locale)

    async def _face(self, claimed: Claimed) -> Face:
        """Whose mail it is: the organisation's that its person belongs to."""
        if claimed.user_id is None:
            return OURS
        async with reading(self.database) as tx:
            return await faces.of_person(tx, claimed.user_id)

    def _opened(self, claimed: Claimed) -> Notice:
        body = msgspec.json.decode(self.envelope.open(claimed.sealed, sealing_context(claimed.id)), type=Body)
        try:
            kind = NoticeKind(claimed.kind)
        except ValueError as error:
            raise WrongNotice("kind") from error
        return Notice(
            kind=kind,
            user_id=claimed.user_id,
            to=body.to,
            locale=claimed.locale,
            name=body.name,
            facts=body.facts,
            correlation_id=claimed.correlation_id,
            channel=self.carrier.channel,
        )

    async def _mark_sent(self, claimed: Claimed, reference: str) -> None:
        """Written down as long as it takes: what was taken must not go again because the database was away."""
        now = self.clock.now()
        while True:
            try:
                async with self.database.begin() as tx:
                    await messages.mark_sent(tx, claimed.id, now)
                    if self.carrier.provider:
                        await messages.note_reference(tx, claimed.id, self.carrier.provider, reference, now)
                break
            except Exception as error:
                if not is_away(error):
                    raise
                _log.warning(
                    f"{self.carrier.channel}_sent_not_written", message=str(claimed.id), error=type(error).__name__
                )
                await asyncio.sleep(1)
        figures = self.carrier.figures
        figures.sent.labels(claimed.kind).inc()
        figures.seconds.observe(max(0.0, (now - claimed.created_at).total_seconds()))
        _log.info(f"{self.carrier.channel}_sent", **_names(claimed))

    async def _put_off(self, claimed: Claimed, why: str) -> None:
        self.carrier.figures.failed.labels("deferred").inc()
        if claimed.attempts >= MOST_ATTEMPTS:
            await self._bury(claimed, why, "attempts")
            return
        until = self.clock.now() + pause_after(claimed.attempts, self.chance)
        async with self.database.begin() as tx:
            await messages.put_off(tx, claimed, until, why, counts=True)
        _log.warning(f"{self.carrier.channel}_put_off", why=why, attempts=claimed.attempts, **_names(claimed))

    async def _wait_for_the_server(self, claimed: Claimed, why: str, asked: timedelta) -> None:
        self.carrier.figures.failed.labels("away").inc()
        pause = max(asked, pause_while_away(self.weather.failures, self.chance))
        self.weather.clear_at = self.clock.now() + pause
        self.weather.failures += 1
        async with self.database.begin() as tx:
            await messages.put_off(tx, claimed, self.weather.clear_at, f"server away: {why}", counts=False)
        _log.error(f"{self.carrier.channel}_server_away", why=why, failures=self.weather.failures)

    async def _bury(self, claimed: Claimed, why: str, cause: str) -> None:
        async with self.database.begin() as tx:
            await messages.bury(tx, claimed, self.clock.now(), why)
        self.carrier.figures.dead.labels(cause).inc()
        _log.error(f"{self.carrier.channel}_dead", why=why, attempts=claimed.attempts, **_names(claimed))


def _names(claimed: Claimed) -> dict[str, str]:
    return {"message": str(claimed.id), "kind": claimed.kind, "correlation_id": claimed.correlation_id}
