"""The life of a signing key: next, active, retiring, retired. What is due of it, as pure rules.

A key is published before it signs (`next`), so that whoever caches keys has it in time; then it signs (`active`); then
it only verifies (`retiring`), longer than anything lives that it signed; then nobody believes it (`retired`). Of each
purpose one key is active for each algorithm, and at most one is next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from config.settings import Settings
from jose.keys import Algorithm

State = Literal["next", "active", "retiring", "retired"]

SPARE = timedelta(minutes=15)
"""Beyond the longest life of a token: a node that was held up still signs with the former key for so long, and caches
between it and others (`max-age` of /jwks, a gateway's look at it every five minutes) run out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What is known of a key, without the key."""

    kid: str
    algorithm: Algorithm
    state: State
    created_at: datetime
    activates_at: datetime | None = None
    """Of a next key: when it is to sign."""
    activated_at: datetime | None = None
    retires_at: datetime | None = None
    """Of a retiring key: when it is to be believed no more; of a retired one: when that was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long a key is what."""

    rotate_every: timedelta
    """So long a key signs."""
    publish_ahead: timedelta
    """So long at least it is published before."""
    keep: timedelta
    """So long it verifies after: more than the life of anything that it signed."""

    @classmethod
    def of(cls, settings: Settings) -> Schedule:
        """As the settings have it.

        An ID token is good as a hint for as long as its session lives (OIDC Core 1.0, section 3.1.2.1), which is longer
        than every token itself.
        """
        longest = settings.session.absolute_lifetime + settings.idp.access_token_lifetime
        return cls(
            rotate_every=timedelta(seconds=settings.keys.rotate_every),
            publish_ahead=timedelta(seconds=settings.keys.publish_ahead),
            keep=timedelta(seconds=longest) + SPARE,
        )


@dataclass(frozen=True, slots=True)
class Make:
    """Make a key: the next one, which signs from `activates_at`, or with None one that signs at once."""

    algorithm: Algorithm
    activates_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hasten:
    """Let a next key sign earlier."""

    key: KeyRecord
    activates_at: datetime


@dataclass(frozen=True, slots=True)
class Switch:
    """Let the next key sign, and the active one only verify, until `retires_at`."""

    active: KeyRecord
    following: KeyRecord
    retires_at: datetime


@dataclass(frozen=True, slots=True)
class Retire:
    """Believe a key no more."""

    key: KeyRecord


Move = Make | Hasten | Switch | Retire


def due(
    keys: Sequence[KeyRecord], algorithms: Sequence[Algorithm], schedule: Schedule, now: datetime
) -> Iterator[Move]:
    """What time has brought about."""
    for algorithm in algorithms:
        active, following = _pair(keys, algorithm)
        if active is None:
            yield Make(algorithm, None)
        elif following is None:
            if now >= _ends_at(active, schedule) - schedule.publish_ahead:
                yield _next(active, schedule, now)
        elif following.activates_at is None or now >= following.activates_at:
            yield Switch(active, following, now + schedule.keep)
    for key in keys:
        if key.state == "retiring" and (key.retires_at is None or now >= key.retires_at):
            yield Retire(key)


def prepared(
    keys: Sequence[KeyRecord], algorithms: Sequence[Algorithm], schedule: Schedule, now: datetime
) -> Iterator[Move]:
    """The next key is published before it is due, and signs when it would have: a rotation that comes sooner has not to
    wait for it."""
    for algorithm in algorithms:
        active, following = _pair(keys, algorithm)
        if active is not None and following is None:
            yield _next(active, schedule, now)


def hastened(
    keys: Sequence[KeyRecord], algorithms: Sequence[Algorithm], schedule: Schedule, now: datetime
) -> Iterator[Move]:
    """A rotation that somebody wants now, and that no token notices: the next key signs once it was published for long
    enough."""
    for algorithm in algorithms:
        _, following = _pair(keys, algorithm)
        if following is None:
            yield Make(algorithm, now + schedule.publish_ahead)
            continue
        earliest = max(now, following.created_at + schedule.publish_ahead)
        if following.activates_at is not None and earliest < following.activates_at:
            yield Hasten(following, earliest)


def replaced(keys: Sequence[KeyRecord], algorithms: Sequence[Algorithm]) -> Iterator[Move]:
    """A rotation after a leak: nothing is believed that was signed before, and new keys sign at once."""
    for key in keys:
        if key.state != "retired":
            yield Retire(key)
    for algorithm in algorithms:
        yield Make(algorithm, None)


class StillSigns(Exception):
    """The active key cannot be done without: another one must sign first."""


def withdrawn(keys: Sequence[KeyRecord], kid: str) -> Iterator[Move]:
    """A key that does not sign is believed no more from now on. Raises `StillSigns`."""
    for key in keys:
        if key.kid == kid and key.state == "active":
            raise StillSigns
        if key.kid == kid and key.state != "retired":
            yield Retire(key)


def _ends_at(active: KeyRecord, schedule: Schedule) -> datetime:
    return (active.activated_at or active.created_at) + schedule.rotate_every


def _next(active: KeyRecord, schedule: Schedule, now: datetime) -> Make:
    return Make(active.algorithm, max(_ends_at(active, schedule), now + schedule.publish_ahead))


def _pair(keys: Sequence[KeyRecord], algorithm: Algorithm) -> tuple[KeyRecord | None, KeyRecord | None]:
    """The active and the next key of an algorithm."""
    found = {key.state: key for key in keys if key.algorithm == algorithm}
    return found.get("active"), found.get("next")
