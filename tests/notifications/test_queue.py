"""Queueing: within the caller's transaction, sealed, by who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from config import key_space
from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope, EnvelopeError
from config.sections.engines import Role
from config.settings import Settings
from notifications.notice import NEEDED, Notice, NoticeKind
from notifications.queue import Queue, poke, sealing_context
from tests.clock import FakeClock

CODE = Notice(
    kind=NoticeKind.SIGN_IN_CODE,
    user_id=UUID(int=7),
    to="mina@example.com",
    locale="ko",
    name="김민아",
    facts={"code": "482913", "minutes": "5"},
    correlation_id="c-1234567",
)


@pytest.fixture
def queue(settings: Settings, clock: FakeClock, entropy: SystemEntropy) -> Queue:
    return Queue(Envelope.load(settings), clock, entropy)


async def test_what_it_says_is_sealed_and_bound_to_its_row(
    queue: Queue, settings: Settings, clock: FakeClock, database: Callable[[Role], Database]
) -> None:
    async with database("idp").begin() as tx:
        message_id = await queue.put(tx, CODE)
    async with database("owner").connect() as tx:
        row = (await tx.execute(text("SELECT * FROM notifications.message"))).one()
    assert (row.id, row.kind, row.user_id, row.state, row.attempts) == (
        message_id,
        "sign_in_code",
        CODE.user_id,
        "queued",
        0,
    )
    assert row.created_at == row.next_attempt_at == clock.now()
    assert row.expires_at == clock.now() + timedelta(minutes=5)
    assert b"482913" not in row.sealed
    opened = msgspec.json.decode(Envelope.load(settings).open(row.sealed, sealing_context(message_id)))
    assert opened == {"to": "mina@example.com", "name": "김민아", "facts": {"code": "482913", "minutes": "5"}}
    with pytest.raises(EnvelopeError):
        Envelope.load(settings).open(row.sealed, sealing_context(UUID(int=1)))


async def test_what_did_not_happen_is_not_told(queue: Queue, database: Callable[[Role], Database]) -> None:
    connection = await database("idp").connect()
    await queue.put(connection, CODE)
    await connection.rollback()
    await connection.close()
    async with database("owner").connect() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM notifications.message")) == 0


@pytest.mark.parametrize(
    ("facts", "expires_in", "lives"),
    [
        ({"code": "1", "minutes": "10"}, None, timedelta(minutes=10)),
        ({"code": "1", "minutes": "10"}, timedelta(minutes=2), timedelta(minutes=2)),
    ],
)
async def test_it_expires_with_what_it_holds(
    queue: Queue,
    database: Callable[[Role], Database],
    clock: FakeClock,
    facts: dict[str, str],
    expires_in: timedelta | None,
    lives: timedelta,
) -> None:
    async with database("idp").begin() as tx:
        await queue.put(tx, msgspec.structs.replace(CODE, facts=facts), expires_in=expires_in)
        expires_at = await tx.scalar(text("SELECT expires_at FROM notifications.message"))
    assert expires_at == clock.now() + lives


@pytest.mark.parametrize("kind", NoticeKind)
async def test_a_notice_without_its_facts_is_a_mistake_of_ours(
    queue: Queue, database: Callable[[Role], Database], kind: NoticeKind
) -> None:
    async with database("idp").connect() as tx:
        with pytest.raises(ValueError, match=NEEDED[kind][0]):
            await queue.put(tx, msgspec.structs.replace(CODE, kind=kind, facts={}))


async def test_the_identity_provider_puts_and_never_reads_what_is_sealed(
    queue: Queue, database: Callable[[Role], Database]
) -> None:
    async with database("idp").begin() as tx:
        await queue.put(tx, CODE)
    for forbidden in (
        "SELECT sealed FROM notifications.message",
        "DELETE FROM notifications.message",
        "UPDATE notifications.message SET expires_at = expires_at + interval '1 day'",
        "UPDATE notifications.message SET sealed = NULL",
    ):
        async with database("idp").connect() as tx:
            with pytest.raises(DBAPIError, match="permission denied"):
                await tx.execute(text(forbidden))


@pytest.mark.parametrize("role", ["gateway", "policy", "commerce", "reservation", "worker", "audit"])
async def test_nobody_else_comes_in(database: Callable[[Role], Database], role: Role) -> None:
    async with database(role).connect() as tx:
        with pytest.raises(DBAPIError, match="permission denied"):
            await tx.execute(text("SELECT 1 FROM notifications.message"))


async def test_what_was_sent_stays_sent(queue: Queue, database: Callable[[Role], Database]) -> None:
    async with database("idp").begin() as tx:
        await queue.put(tx, CODE)
    async with database("notifications").begin() as tx:
        await tx.execute(text("UPDATE notifications.message SET state = 'sent', sealed = NULL, finished_at = now()"))
    async with database("idp").connect() as tx:
        with pytest.raises(IntegrityError, match="stays sent"):
            await tx.execute(text("UPDATE notifications.message SET state = 'queued', finished_at = NULL"))


async def test_a_poke_is_heard_and_never_fails(valkey: Valkey, settings: Settings) -> None:
    async with valkey.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(key_space.NOTIFICATIONS_POKE)
        await channel.get_message(timeout=1)
        await poke(valkey)
        heard = await channel.get_message(timeout=2)
    assert heard is not None
