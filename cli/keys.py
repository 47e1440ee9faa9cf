"""`munjigi keys`: what the signing keys are, and their rotation by command. It runs as the owner of the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from audit import key_trail
from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.envelope import Envelope
from config.settings import Settings
from events import outbox
from jose.key_keeper import Change, KeyKeeper, Order
from jose.keys import PURPOSES, Purpose
from jose.rotation import KeyRecord, Schedule
from jose.storage.keys import SigningKeys
from policy.storage.versions import PolicyVersions
from policy.succession import Succession

OPERATOR = "operator"
"""Who did it, on record: whoever may run a command on a machine of the house."""


Changes = Sequence[tuple[Purpose, Change]]
_Act = Callable[[KeyKeeper, Transaction, Order, datetime], Awaitable[Sequence[Change]]]


@dataclass(frozen=True, slots=True)
class Keys:
    """All signing keys of an installation."""

    database: Database
    valkey: Valkey
    signing_keys: SigningKeys
    schedule: Schedule
    clock: Clock

    async def records(self) -> Sequence[tuple[Purpose, KeyRecord]]:
        """Every key that there is and was."""
        async with self.database.connect() as tx:
            return [(purpose, key) for purpose in PURPOSES for key in await self.signing_keys.records(tx, purpose)]

    async def rotate(self, purposes: Sequence[Purpose], why: str, *, at_once: bool) -> Changes:
        """Rotate the keys of these purposes, all or none; `at_once`: they leaked."""
        return await self._change(purposes, why, KeyKeeper.replace if at_once else KeyKeeper.rotate)

    async def prepare(self, purposes: Sequence[Purpose], why: str) -> Changes:
        """Publish the next keys of these purposes, all or none."""
        return await self._change(purposes, why, KeyKeeper.prepare)

    async def retire(self, kid: str, why: str) -> Changes:
        """Believe a key no more, of whatever purpose. Raises `StillSigns`."""
        return await self._change(PURPOSES, why, lambda keeper, tx, order, now: keeper.retire(tx, order, kid, now))

    async def _change(self, purposes: Sequence[Purpose], why: str, act: _Act) -> Changes:
        order, changed = Order(who=OPERATOR, why=why), []
        async with self.database.begin() as tx:
            for purpose in purposes:
                changes = await act(self._keeper(purpose), tx, order, self.clock.now())
                changed += [(purpose, change) for change in changes]
        await outbox.poke(self.valkey)
        return changed

    def _keeper(self, purpose: Purpose) -> KeyKeeper:
        succession = Succession(PolicyVersions()) if purpose == "policy" else None
        return KeyKeeper(purpose, self.signing_keys, self.schedule, key_trail.tell, succession=succession)


@asynccontextmanager
async def all_keys(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Keys]:
    """The keys of these settings' database."""
    database, valkey = open_database(settings, "owner"), open_valkey(settings)
    try:
        signing_keys = SigningKeys(Envelope.load(settings))
        yield Keys(database, valkey, signing_keys, Schedule.of(settings), clock or SystemClock())
    finally:
        await valkey.aclose()
        await database.dispose()


async def listed(settings: Settings) -> list[str]:
    """A line for each key that is not gone."""
    async with all_keys(settings) as keys:
        return [_line(purpose, key) for purpose, key in await keys.records() if key.state != "retired"]


async def rotated(settings: Settings, purposes: Sequence[Purpose], why: str, *, at_once: bool) -> list[str]:
    """Rotate, and say what became of each key."""
    async with all_keys(settings) as keys:
        return _told(await keys.rotate(purposes, why, at_once=at_once))


async def prepared(settings: Settings, purposes: Sequence[Purpose], why: str) -> list[str]:
    """Publish the next keys, and say when they sign."""
    async with all_keys(settings) as keys:
        return _told(await keys.prepare(purposes, why))


async def retired(settings: Settings, kid: str, why: str) -> list[str]:
    """Believe a key no more, and say so; nothing where there is none. Raises `StillSigns`."""
    async with all_keys(settings) as keys:
        return _told(await keys.retire(kid, why))


def price(purposes: Sequence[Purpose]) -> list[str]:
    """What it costs to believe nothing any more that the keys of these purposes signed."""
    return [line for purpose in purposes for line in _PRICES[purpose]]


_PRICES: dict[Purpose, tuple[str, ...]] = {
    "token": (
        "Every access token and ID token that was issued is refused at once. People behind the gateway notice nothing;",
        "an app or program gets 401, and goes on once it has refreshed. Who verifies offline refuses new tokens until",
        "it fetches /jwks again, and BELIEVES FORGED ONES until then: whoever caches it must be told.",
        "An ID token of before is no hint any more: a sign-out by it asks the person first.",
    ),
    "assertion": (
        "Services behind the gateway refuse what it says until they have its new key, within some two seconds.",
    ),
    "policy": (
        "The published policy is signed anew; look at it first (`/api/policy/versions`): who has the key and the",
        "database could have put another there. Gateways decide on by what they have loaded.",
    ),
}


def _line(purpose: Purpose, key: KeyRecord) -> str:
    since = key.activated_at or key.created_at
    about = f"since {_moment(since)}"
    if key.state == "next" and key.activates_at is not None:
        about = f"signs from {_moment(key.activates_at)}"
    elif key.state == "retiring" and key.retires_at is not None:
        about = f"verifies until {_moment(key.retires_at)}"
    return f"{purpose:9}  {key.algorithm}  {key.state:8}  {key.kid}  {about}"


def _told(changed: Changes) -> list[str]:
    return [_told_of(purpose, change) for purpose, change in changed]


def _told_of(purpose: Purpose, change: Change) -> str:
    until = "" if change.until is None else _moment(change.until)
    meanings = {
        "next": f"is published, and signs from {until}",
        "active": "signs now",
        "retiring": f"signs no more, and verifies until {until}",
        "retired": "is believed no more",
    }
    return f"{purpose} {change.algorithm} {change.kid} {meanings[change.state]}"


def _moment(at: datetime) -> str:
    return at.astimezone().isoformat(sep=" ", timespec="seconds")
