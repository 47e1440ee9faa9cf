"""Delivery to a real SMTP server: what it takes, puts off, refuses, and what happens when somebody is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from config.connections import Database
from config.sections.engines import Role
from notifications.retries import MOST_ATTEMPTS
from notifications.smtp import MailServer
from notifications.storage import messages
from notifications.storage.messages import LEASE
from tests.clock import FakeClock
from tests.house import free_port
from tests.notifications.conftest import CourierTo, Look, Put
from tests.notifications.mail_server import Answers, mail_server


async def test_a_mail_arrives_whole_and_is_forgotten(put: Put, courier_to: CourierTo, look: Look) -> None:
    message_id = await put()
    async with mail_server() as server:
        assert await courier_to(server.address).deliver_due() == 1
    [mail] = server.answers.taken
    assert server.answers.recipients == ["mina@example.com"]
    assert mail["Message-ID"] == f"<{message_id}@munjigi.localhost>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "ko"
    assert "482913" in body(mail, "plain")
    assert "482913" in body(mail, "html")
    [row] = await look()
    assert (row.state, row.attempts, row.sealed) == ("sent", 1, None)
    assert row.finished_at is not None


async def test_one_connection_carries_all_that_is_due(put: Put, courier_to: CourierTo) -> None:
    for _ in range(3):
        await put()
    async with mail_server() as server:
        assert await courier_to(server.address).deliver_due() == 3
    assert server.answers.connections == 1


async def test_what_is_put_off_comes_again_later(put: Put, courier_to: CourierTo, look: Look, clock: FakeClock) -> None:
    await put()
    async with mail_server(Answers(to_recipient=["451 4.3.0 later"], to_data=["452 4.2.2 full"])) as server:
        courier = courier_to(server.address)
        assert await courier.deliver_due() == 1
        [row] = await look()
        assert (row.state, row.attempts, row.last_error) == ("queued", 1, "451 4.3.0")
        assert timedelta(seconds=1) <= row.next_attempt_at - clock.now() <= timedelta(seconds=2)
        assert await courier.deliver_due() == 0
        clock.advance(2)
        assert await courier.deliver_due() == 1
        [row] = await look()
        assert (row.attempts, row.last_error) == (2, "452 4.2.2")
        assert timedelta(seconds=2) <= row.next_attempt_at - clock.now() <= timedelta(seconds=4)
        clock.advance(4)
        assert await courier.deliver_due() == 1
    [row] = await look()
    assert (row.state, row.attempts, row.last_error) == ("sent", 3, None)
    assert len(server.answers.taken) == 1


@pytest.mark.parametrize("answer", ["550 5.1.1 <mina@example.com> unknown", "554 rejected"])
async def test_what_is_refused_is_a_dead_letter(put: Put, courier_to: CourierTo, look: Look, answer: str) -> None:
    await put()
    async with mail_server(Answers(to_recipient=[answer])) as server:
        courier = courier_to(server.address)
        await courier.deliver_due()
        assert await courier.deliver_due() == 0
    [row] = await look()
    assert (row.state, row.attempts) == ("dead", 1)
    assert row.last_error in ("550 5.1.1", "554")  # and nothing that names the person
    assert row.sealed is not None


async def test_after_many_attempts_it_is_a_dead_letter(
    put: Put, courier_to: CourierTo, look: Look, clock: FakeClock
) -> None:
    await put(expires_in=timedelta(days=3))
    async with mail_server(Answers(to_data=["450 no"] * 50)) as server:
        courier = courier_to(server.address)
        for _ in range(MOST_ATTEMPTS + 3):
            await courier.deliver_due()
            clock.advance(1800)
    [row] = await look()
    assert (row.state, row.attempts) == ("dead", MOST_ATTEMPTS)


async def test_a_server_that_is_away_costs_no_attempt_and_is_not_pestered(
    put: Put, courier_to: CourierTo, look: Look, clock: FakeClock
) -> None:
    first, second = await put(), await put()
    port = free_port()
    courier = courier_to(MailServer("127.0.0.1", port, "none"))
    assert await courier.deliver_due() == 1  # the other one is not even tried
    assert courier.weather.holds(clock.now())
    for _ in range(20):
        clock.advance(60)
        await courier.deliver_due()
    rows = await look()
    assert [(row.state, row.attempts) for row in rows] == [("queued", 0)] * 2
    assert {row.last_error for row in rows} == {"server away: ConnectionRefusedError"}
    clock.advance(60)
    async with mail_server(port=port) as server:
        assert await courier.deliver_due() == 2
    assert {row.id for row in await look() if row.state == "sent"} == {first, second}
    assert len(server.answers.taken) == 2
    assert not courier.weather.holds(clock.now())


async def test_an_expired_code_is_never_sent(put: Put, courier_to: CourierTo, look: Look, clock: FakeClock) -> None:
    await put(expires_in=timedelta(minutes=5))
    clock.advance(300)
    async with mail_server() as server:
        courier = courier_to(server.address)
        assert await courier.deliver_due() == 0
        await courier.tidy()
    assert server.answers.taken == []
    [row] = await look()
    assert (row.state, row.last_error, row.sealed) == ("dead", "expired", None)


async def test_a_worker_that_dies_leaves_its_message_to_the_others(
    put: Put, courier_to: CourierTo, look: Look, clock: FakeClock, database: Callable[[Role], Database]
) -> None:
    await put()
    async with database("notifications").begin() as tx:  # claimed, and then nothing
        assert await messages.claim(tx, clock.now(), clock.now() + LEASE)
    async with mail_server() as server:
        courier = courier_to(server.address)
        assert await courier.deliver_due() == 0
        clock.advance(LEASE.total_seconds())
        assert await courier.deliver_due() == 1
    assert len(server.answers.taken) == 1
    [row] = await look()
    assert (row.state, row.attempts) == ("sent", 2)


async def test_a_crash_between_the_server_and_our_commit_sends_the_same_mail_again(
    put: Put, courier_to: CourierTo, look: Look, clock: FakeClock
) -> None:
    await put()
    async with mail_server() as server:
        crashing = courier_to(server.address)
        task = asyncio.create_task(crashing.deliver_due())
        server.answers.on_taken = task.cancel  # after the server took it, before anything is written
        with pytest.raises(asyncio.CancelledError):
            await task
        server.answers.on_taken = lambda: None
        assert [row.state for row in await look()] == ["queued"]
        clock.advance(LEASE.total_seconds())
        await courier_to(server.address).deliver_due()
    first, again = server.answers.taken
    assert first["Message-ID"] == again["Message-ID"]
    assert [row.state for row in await look()] == ["sent"]


async def test_a_late_worker_does_not_undo_what_another_sent(
    put: Put, courier_to: CourierTo, look: Look, clock: FakeClock, database: Callable[[Role], Database]
) -> None:
    await put()
    async with database("notifications").begin() as tx:
        late = await messages.claim(tx, clock.now(), clock.now() + LEASE)
    assert late is not None
    clock.advance(LEASE.total_seconds())
    async with mail_server() as server:
        await courier_to(server.address).deliver_due()
    async with database("notifications").begin() as tx:
        await messages.put_off(tx, late, clock.now(), "late", counts=True)
        await messages.bury(tx, late, clock.now(), "late")
        await messages.mark_sent(tx, late.id, clock.now())
    assert [row.state for row in await look()] == ["sent"]


async def test_many_workers_send_each_mail_once(put: Put, courier_to: CourierTo, look: Look) -> None:
    for number in range(40):
        await put(f"person{number}@example.com")
    async with mail_server() as server:
        tried = await asyncio.gather(*(courier_to(server.address).deliver_due() for _ in range(4)))
    assert sum(tried) == 40
    assert sorted(server.answers.recipients) == sorted(f"person{number}@example.com" for number in range(40))
    assert {row.state for row in await look()} == {"sent"}


@pytest.mark.parametrize("to", ["not an address", "a@b\r\nBcc: everybody@example.com", ""])
async def test_an_address_that_is_none_is_a_dead_letter(put: Put, courier_to: CourierTo, look: Look, to: str) -> None:
    await put(to)
    async with mail_server() as server:
        await courier_to(server.address).deliver_due()
    assert server.answers.connections == 0
    [row] = await look()
    assert (row.state, row.last_error) == ("dead", "cannot be written (WrongAddress)")


async def test_what_cannot_be_opened_is_a_dead_letter(
    put: Put, courier_to: CourierTo, look: Look, database: Callable[[Role], Database]
) -> None:
    await put()
    await put()
    async with database("owner").begin() as tx:
        await tx.execute(  # each other's bodies: a body moved to another row does not open
            text(
                "UPDATE notifications.message AS one SET sealed = other.sealed "
                "FROM notifications.message AS other WHERE other.id <> one.id"
            )
        )
    async with mail_server() as server:
        assert await courier_to(server.address).deliver_due() == 2
    assert server.answers.taken == []
    assert {row.last_error for row in await look()} == {"cannot be written (EnvelopeError)"}


async def test_no_secret_and_no_address_is_logged(
    put: Put, courier_to: CourierTo, caplog: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(3):
        await put()
    answers = Answers(to_recipient=["550 5.1.1 <mina@example.com> who?", "451 <mina@example.com> later"])
    with capture_logs() as told:
        async with mail_server(answers) as server:
            await courier_to(server.address).deliver_due()
    assert len(told) == 3
    ours = str(told) + "".join(record.getMessage() for record in caplog.records if record.name.startswith("notif"))
    for secret in ("482913", "mina", "김민아"):
        assert secret not in ours


async def test_what_was_finished_long_ago_is_deleted(
    put: Put, courier_to: CourierTo, look: Look, clock: FakeClock
) -> None:
    await put()
    async with mail_server() as server:
        courier = courier_to(server.address)
        await courier.deliver_due()
        clock.advance(29 * 86400)
        await courier.tidy()
        assert len(await look()) == 1
        clock.advance(2 * 86400)
        await courier.tidy()
        assert await look() == []


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
