"""The worker `mail` as it runs: woken by a poke, drained when it is asked to stop, stubborn while engines are away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from config.clock import SystemClock
from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.key_space import NOTIFICATIONS_POKE
from config.sections.engines import Role
from config.sections.messages import MailSettings
from config.settings import Settings, WrongSettings
from notifications import delivery
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue, poke
from tests.notifications.mail_server import Answers, RunningServer, mail_server


@asynccontextmanager
async def worker(settings: Settings, server: RunningServer) -> AsyncIterator[None]:
    mail = MailSettings(server=f"127.0.0.1:{server.port}", encryption="none")
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(delivery.serve(settings.model_copy(update={"mail": mail}), ready.set, stop))
    await ready.wait()
    yield
    stop.set()
    async with asyncio.timeout(3):
        await serving


async def test_a_poke_brings_it_at_once(
    settings: Settings, database: Callable[[Role], Database], valkey: Valkey, entropy: SystemEntropy
) -> None:
    taken = asyncio.Event()
    queue = Queue(Envelope.load(settings), SystemClock(), entropy)
    notice = Notice(
        kind=NoticeKind.PASSWORD_CHANGED,
        user_id=UUID(int=7),
        to="mina@example.com",
        locale="en",
        name="Mina",
        facts={"at": "2026-11-22T09:00:00+00:00"},
    )
    async with mail_server(Answers(on_taken=taken.set)) as server, worker(settings, server):
        await listening(valkey)
        async with database("idp").begin() as tx:
            await queue.put(tx, notice)
        await poke(valkey)
        async with asyncio.timeout(delivery.POLL / 2):
            await taken.wait()
    [mail] = server.answers.taken
    assert mail["Subject"] == "Your password was changed"


async def listening(valkey: Valkey) -> None:
    """Until the worker hears pokes."""
    async with asyncio.timeout(10):
        while True:
            if dict(await valkey.pubsub_numsub(NOTIFICATIONS_POKE))[NOTIFICATIONS_POKE]:
                return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("mail", "setting"),
    [
        (MailSettings(server="mail.example.com:25", encryption="none"), "MUNJIGI_MAIL__ENCRYPTION"),
        (MailSettings(sender="nobody"), "MUNJIGI_MAIL__SENDER"),
    ],
)
async def test_settings_that_cannot_be_used_are_named(settings: Settings, mail: MailSettings, setting: str) -> None:
    with pytest.raises(WrongSettings, match=setting):
        await delivery.serve(settings.model_copy(update={"mail": mail}), lambda: None, asyncio.Event())
