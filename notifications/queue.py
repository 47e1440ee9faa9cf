"""Queueing: a row in the caller's own transaction, so that a person is told exactly if what they are told happened."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
from redis.exceptions import RedisError
from sqlalchemy import text

from config import key_space
from config.clock import Clock
from config.connections import Transaction, Valkey
from config.entropy import Entropy
from config.envelope import Envelope
from notifications.notice import Notice, missing_facts

WORTH_TELLING = timedelta(days=3)
"""How long a notice is worth delivering where neither its caller nor its facts say how long."""

_POKE_TIMEOUT = 0.25
_INSERT = text(
    """
    INSERT INTO notifications.message
        (id, kind, user_id, locale, sealed, next_attempt_at, created_at, expires_at, correlation_id)
    VALUES (:id, :kind, :user_id, :locale, :sealed, :now, :now, :expires_at, :correlation_id)
    """
)

_INSERT_TEXT = text(
    """
    INSERT INTO notifications.message
        (id, kind, user_id, locale, sealed, next_attempt_at, created_at, expires_at, correlation_id, channel)
    VALUES (:id, :kind, :user_id, :locale, :sealed, :now, :now, :expires_at, :correlation_id, 'text')
    """
)
"""Of its own, since most who queue mails may not queue texts: those cost money."""


class Body(msgspec.Struct, frozen=True):
    """What is sealed of a notice: to whom it goes and what it says."""

    to: str
    name: str
    facts: dict[str, str]


def sealing_context(message_id: UUID) -> str:
    """The place that a message's body is bound to: it opens in its own row alone."""
    return f"notifications.message:{message_id}"


@dataclass(frozen=True, slots=True)
class Queue:
    """Where notices wait for the worker `mail`."""

    envelope: Envelope
    clock: Clock
    entropy: Entropy

    async def put(self, tx: Transaction, notice: Notice, *, expires_in: timedelta | None = None) -> UUID:
        """Queue a notice within `tx`. Call `poke` after the commit, so that it goes out at once.

        It is never delivered later than `expires_in` from now; by default as many minutes as its fact `minutes` says
        (a code or a link that no longer works helps nobody), otherwise three days.
        Raises `ValueError` where a fact is missing that the words of its kind need.
        """
        if missing := missing_facts(notice):
            raise ValueError(f"a notice {notice.kind.value} needs the facts {', '.join(missing)}")
        now, message_id = self.clock.now(), self.entropy.uuid()
        body = msgspec.json.encode(Body(notice.to, notice.name, dict(notice.facts)))
        await tx.execute(
            _INSERT_TEXT if notice.channel == "text" else _INSERT,
            {
                "id": message_id,
                "kind": notice.kind.value,
                "user_id": notice.user_id,
                "locale": notice.locale,
                "sealed": self.envelope.seal(body, sealing_context(message_id)),
                "now": now,
                "expires_at": now + (_lifetime(notice) if expires_in is None else expires_in),
                "correlation_id": notice.correlation_id,
            },
        )
        return message_id


async def poke(valkey: Valkey) -> None:
    """Wake the worker `mail`; call it after the commit. It never fails: a lost poke costs one poll of the worker."""
    try:
        async with asyncio.timeout(_POKE_TIMEOUT):
            await valkey.publish(key_space.NOTIFICATIONS_POKE, "")
    except (RedisError, OSError, TimeoutError):
        return


def _lifetime(notice: Notice) -> timedelta:
    minutes = notice.facts.get("minutes")
    return WORTH_TELLING if minutes is None else timedelta(minutes=float(minutes))
