"""Services that know people by their id alone: who may ask for a mail, and where it goes."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.connections import Database
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.engines import Role
from config.settings import Settings
from events import outbox
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue
from tests.clock import FakeClock
from tests.idp.people import add_person
from tests.notifications.conftest import CourierTo, Look
from tests.notifications.mail_server import mail_server

Databases = Callable[[Role], Database]
FACTS = {
    "what_ko": "한옥 하룻밤 × 1",
    "what_en": "A night in a hanok × 1",
    "number": "5b1d2f0c",
    "at": "2026-11-22T08:55:00+00:00",
    "reservation": "https://shop.example.com/reservations/5b1d2f0c",
}


def confirmed(person: UUID, kind: NoticeKind = NoticeKind.RESERVATION_CONFIRMED) -> Notice:
    facts = FACTS | {"code": "1", "minutes": "5"}
    return Notice(kind=kind, user_id=person, to="", locale="ko", name="", facts=facts)


@pytest.fixture
def queue(settings: Settings, clock: FakeClock, entropy: SystemEntropy) -> Queue:
    return Queue(Envelope.load(settings), clock, entropy)


async def test_it_goes_where_the_person_gets_mail_in_their_language(
    queue: Queue, database: Databases, courier_to: CourierTo, look: Look
) -> None:
    nobody = uuid4()
    async with database("idp").begin() as tx:
        person = (await add_person(tx, "mina", locale="en")).id
    async with database("reservation").begin() as tx:
        await queue.put(tx, confirmed(person))
        await queue.put(tx, confirmed(nobody))
    async with mail_server() as server:
        assert await courier_to(server.address).deliver_due() == 2
    assert server.answers.recipients == ["mina@mail.example"]
    assert str(server.answers.taken[0]["Subject"]) == "Your reservation is confirmed"
    assert {row.user_id: row.state for row in await look()} == {person: "sent", nobody: "dead"}


async def test_a_service_asks_for_its_own_mails_alone_and_reads_none(queue: Queue, database: Databases) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database("reservation").begin() as tx:
            await queue.put(tx, confirmed(uuid4(), NoticeKind.SIGN_IN_CODE))
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database("commerce").begin() as tx:
            await queue.put(tx, confirmed(uuid4()))
    for statement in ("SELECT id FROM notifications.message", "SELECT email FROM idp.addressee"):
        for role in ("reservation", "commerce"):
            with pytest.raises(DBAPIError, match="permission denied"):
                async with database(role).connect() as connection:
                    await connection.execute(text(statement))


async def test_it_tells_of_reservations_alone(database: Databases) -> None:
    async with database("reservation").begin() as tx:
        await outbox.append(tx, "reservation", "r", {"kind": "confirmed"})
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database("reservation").begin() as tx:
            await outbox.append(tx, "session", "s", {"state": "live"})
