"""By the settings of `docs/how-to/send-mail.md` a mail leaves: encrypted, with its sender, its link and its support."""

from __future__ import annotations

import asyncio
import re
import ssl
from pathlib import Path

import pytest

from cli.services import INBOX, services_of
from config.clock import SystemClock
from config.connections import Valkey
from config.settings import Settings, WrongSettings, load_settings
from idp.sessions.one_session import Began
from notifications import delivery
from notifications.inbox.app import serve as serve_inbox
from notifications.mail import Mails
from notifications.smtp import MailServer
from tests.docs.test_examples import PROJECT, blocks
from tests.idp.conftest import OpenDatabase
from tests.idp.people import add_person, beginning
from tests.idp.provider import running_provider
from tests.notifications.conftest import Look, look
from tests.notifications.mail_server import Answers, mail_server
from tests.notifications.test_delivery import body
from tests.notifications.test_tls import certificate, server_side

__all__ = ["certificate", "look", "server_side"]

PAGE = PROJECT / "docs" / "how-to" / "send-mail.md"
SUPPORT = {
    "MUNJIGI_SUPPORT__NAME": "Example Care",
    "MUNJIGI_SUPPORT__EMAIL": "care@example.com",
    "MUNJIGI_SUPPORT__PHONE": "02 000 0000",
    "MUNJIGI_SUPPORT__URL": "https://example.com/help",
}


def as_the_page_says(monkeypatch: pytest.MonkeyPatch, **otherwise: str) -> Settings:
    """The settings of the page's block, some of them otherwise, as a process reads them."""
    [(_, block)] = blocks(PAGE, "")
    for name, value in {**dict(line.split("=", 1) for line in block.splitlines()), **otherwise}.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_they_name_the_server_and_no_inbox_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    assert INBOX in services_of(load_settings())
    settings = as_the_page_says(monkeypatch)
    server = MailServer.of(settings)
    assert (server.host, server.port, server.encryption) == ("smtp.example.com", 587, "starttls")
    assert (server.user, server.password) == ("munjigi", "…")
    assert Mails(settings.mail.sender, settings.support).envelope_sender == "no-reply@example.com"
    assert INBOX not in services_of(settings)


def test_nothing_leaves_this_machine_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongSettings, match="MUNJIGI_MAIL__ENCRYPTION"):
        MailServer.of(as_the_page_says(monkeypatch, MUNJIGI_MAIL__ENCRYPTION="none"))


async def test_the_inbox_answers_on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNJIGI_INBOX__LISTEN", "0.0.0.0:9025")
    with pytest.raises(WrongSettings, match="MUNJIGI_INBOX__LISTEN"):
        await serve_inbox(load_settings(), lambda: None, asyncio.Event())


async def test_a_mail_leaves_by_them(
    settings: Settings,
    database: OpenDatabase,
    valkey: Valkey,
    look: Look,
    certificate: Path,
    server_side: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert set(SUPPORT) == set(re.findall(r"MUNJIGI_SUPPORT__[A-Z]+", PAGE.read_text(encoding="utf-8")))
    taken, stop = asyncio.Event(), asyncio.Event()
    async with mail_server(Answers(on_taken=taken.set), tls=server_side) as server:
        ours = as_the_page_says(
            monkeypatch,
            MUNJIGI_MAIL__SERVER=f"127.0.0.1:{server.port}",
            MUNJIGI_MAIL__PASSWORD="open sesame",
            MUNJIGI_MAIL__CERTIFICATES=str(certificate),
            **SUPPORT,
        )
        told = settings.model_copy(update={"mail": ours.mail, "support": ours.support, "idp": ours.idp})
        async with running_provider(told, database("idp"), valkey, SystemClock()) as provider:
            parts = provider.parts
            async with parts.database.begin() as tx:
                person = await add_person(tx)
                begun = await parts.one_session.begin(tx, beginning(person.id, parts.clock))
                assert isinstance(begun, Began)
                await parts.one_session.end(tx, begun.session.sid, "administrator", correlation_id="c-1")
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(delivery.serve(told, lambda: None, stop))
            await taken.wait()
            stop.set()
    [mail] = server.answers.taken
    assert (mail["From"], server.answers.recipients) == ("Example <no-reply@example.com>", ["mina@mail.example"])
    for kind in ("plain", "html"):
        assert "https://id.example.com/not-me?" in body(mail, kind)
        assert all(part in body(mail, kind) for part in SUPPORT.values())
    assert [(row.state, row.attempts) for row in await look()] == [("sent", 1)]
