"""What the tests of delivery stand on."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from config.connections import Database
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.engines import Role
from config.settings import Settings
from notifications.carriers import MailCarrier
from notifications.courier import Courier, Weather
from notifications.mail import Mails
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue
from notifications.smtp import MailServer, Postman
from tests.clock import FakeClock

SOMEBODY = UUID(int=7)
Put = Callable[..., Awaitable[UUID]]
CourierTo = Callable[[MailServer], Courier]
Look = Callable[[], Awaitable[list[Any]]]


@pytest.fixture
def put(settings: Settings, clock: FakeClock, entropy: SystemEntropy, database: Callable[[Role], Database]) -> Put:
    """`await put(to=…)` queues a sign-in code for somebody."""
    queue = Queue(Envelope.load(settings), clock, entropy)

    async def put_one(
        to: str = "mina@example.com", *, user_id: UUID | None = SOMEBODY, expires_in: timedelta | None = None
    ) -> UUID:
        facts = {"code": "482913", "minutes": "600"}
        notice = Notice(kind=NoticeKind.SIGN_IN_CODE, user_id=user_id, to=to, locale="ko", name="김민아", facts=facts)
        async with database("idp").begin() as tx:
            return await queue.put(tx, notice, expires_in=expires_in)

    return put_one


@pytest.fixture
def courier_to(settings: Settings, clock: FakeClock, database: Callable[[Role], Database]) -> CourierTo:
    """`courier_to(server)` is a lane of the worker that delivers there."""

    def make(server: MailServer) -> Courier:
        mails = Mails(settings.mail.sender, settings.support)
        return Courier(
            database("notifications"),
            Envelope.load(settings),
            MailCarrier(mails, Postman(server, mails.domain)),
            clock,
            Weather(),
            random.Random(1),
        )

    return make


@pytest.fixture
def look(database: Callable[[Role], Database]) -> Look:
    """What stands in the queue."""

    async def rows() -> list[Any]:
        async with database("owner").connect() as tx:
            return list(await tx.execute(text("SELECT * FROM notifications.message ORDER BY created_at, id")))

    return rows
