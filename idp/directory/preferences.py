"""What a person chose for themselves: language, time zone, and which notices they want.

Notices that protect the account cannot be turned off: whoever gets in would turn them off first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal, Protocol
from uuid import UUID
from zoneinfo import available_timezones

from config.connections import Transaction
from notifications.notice import NoticeKind

Channel = Literal["mail", "push"]
CHANNELS: tuple[Channel, ...] = ("mail",)
"""Those by which notices go out today."""

CHOSEN = (NoticeKind.NEW_DEVICE, NoticeKind.ATTEMPT, NoticeKind.SESSION_ENDED)
"""What a person may do without; it comes until they say so."""
ALWAYS = (
    NoticeKind.TAKEOVER,
    NoticeKind.PASSWORD_CHANGED,
    NoticeKind.FACTOR_CHANGED,
    NoticeKind.ACCOUNT_LOCKED,
    NoticeKind.REMEMBERED_STOLEN,
    NoticeKind.FACTOR_GUESSED,
    NoticeKind.RECOVERY_CODE_USED,
    NoticeKind.PASSWORD_BREACHED,
    NoticeKind.RECOVERY_WAITING,
    NoticeKind.RECOVERY_STOPPED,
    NoticeKind.RESET_AGREED,
    NoticeKind.PASSKEY_COPIED,
    NoticeKind.SIGN_IN_REQUEST,
    NoticeKind.ROLE,
    NoticeKind.PROGRAMME,
)
"""What everybody is told."""

_REGIONS = frozenset(
    ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)


@dataclass(frozen=True, slots=True)
class NoticeSetting:
    """Whether one kind of notice comes by one channel."""

    kind: NoticeKind
    channel: Channel
    wanted: bool


class Clocks(Protocol):
    """Where it is known which clock a person reads."""

    async def time_zone(self, tx: Transaction, user_id: UUID) -> str:
        """The clock that a person reads: their own, or else that of their first organisation (an IANA name)."""


class Preferences(Clocks, Protocol):
    """What a storage of preferences must do."""

    async def wants(self, tx: Transaction, user_id: UUID, kind: NoticeKind) -> bool:
        """Whether a person gets this kind of notice by mail: asked by whoever queues one."""

    async def notice_settings(self, tx: Transaction, user_id: UUID) -> list[NoticeSetting]:
        """What a person may choose, as it stands."""

    async def choose(self, tx: Transaction, user_id: UUID, setting: NoticeSetting, now: datetime) -> bool:
        """Keep a choice. False where it stood so already."""

    async def own_time_zone(self, tx: Transaction, user_id: UUID) -> str | None:
        """The time zone that they chose; `None`: none."""

    async def speak(self, tx: Transaction, user_id: UUID, locale: str, time_zone: str | None, now: datetime) -> bool:
        """Keep language and time zone of a person; the version of their account rises. False where nothing changed."""


@cache
def time_zones() -> tuple[str, ...]:
    """The names that a person may choose from: region and city of the IANA time zone database, and UTC."""
    return (*sorted(name for name in available_timezones() if name.partition("/")[0] in _REGIONS), "UTC")
