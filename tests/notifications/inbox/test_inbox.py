"""The local inbox: takes mails by SMTP, shows them on a page that believes none of them, and to programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from uuid import UUID

import aiosmtplib
import httpx2 as httpx
import pytest

from config.sections.messages import InboxSettings, MailSettings
from config.settings import Settings, WrongSettings
from notifications.inbox import app
from notifications.inbox.kept import Inbox, Mail, read
from notifications.mail import Mails
from notifications.notice import Notice, NoticeKind
from notifications.smtp import MailServer, Postman
from tests.house import free_port

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Running:
    """An inbox that serves."""

    settings: Settings
    browser: httpx.AsyncClient

    @property
    def smtp_port(self) -> int:
        return int(self.settings.inbox.smtp.rpartition(":")[2])


@asynccontextmanager
async def inbox_at(folder: Path) -> AsyncIterator[Running]:
    listen = InboxSettings(listen=f"127.0.0.1:{free_port()}", smtp=f"127.0.0.1:{free_port()}")
    settings = Settings(var=folder, inbox=listen)
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(app.serve(settings, ready.set, stop))
    await asyncio.wait({asyncio.ensure_future(ready.wait()), serving}, return_when=asyncio.FIRST_COMPLETED)
    async with httpx.AsyncClient(base_url=f"http://{listen.listen}") as browser:
        yield Running(settings, browser)
        stop.set()
        await serving


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with inbox_at(tmp_path) as served:
        yield served


async def send(
    running: Running, to: str = "mina@example.com", subject: str = "안녕", html: str = "<p>안녕</p>"
) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", to, subject
    mail.set_content("안녕 http://localhost/not-me/abc <script>alert(1)</script>")
    mail.add_alternative(html, subtype="html")
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=running.smtp_port, start_tls=False)


async def test_what_the_courier_hands_over_is_what_a_script_finds(running: Running) -> None:
    mails = Mails(running.settings.mail.sender, running.settings.support)
    facts = {"code": "482913", "minutes": "5"}
    notice = Notice(
        kind=NoticeKind.SIGN_IN_CODE, user_id=None, to="mina@example.com", locale="ko", name="김민아", facts=facts
    )
    postman = Postman(MailServer.of(running.settings), mails.domain)
    mail = mails.mail(UUID(int=1), notice, NOON)
    await postman.hand_over(mail, sender=mails.envelope_sender, recipient="mina@example.com")
    await postman.leave()
    [found] = (await running.browser.get("/api/messages?to=MINA@example.com")).json()["messages"]
    assert "482913" in found["text"]
    assert "482913" in found["html"]
    assert found["to"] == ["mina@example.com"]
    assert found["subject"] == "로그인 확인 코드예요"
    assert (await running.browser.get(f"/api/messages/{found['id']}")).json() == found
    assert (await running.browser.get("/api/messages?to=jun@example.com")).json() == {"messages": []}


async def test_the_newest_is_first(running: Running) -> None:
    for subject in ("one", "two", "three"):
        await send(running, subject=subject)
    found = (await running.browser.get("/api/messages?limit=2")).json()["messages"]
    assert [mail["subject"] for mail in found] == ["three", "two"]


@pytest.mark.parametrize(("language", "words"), [("ko", "로컬 메일함"), ("en", "Local inbox")])
async def test_the_list_speaks_both_languages(running: Running, language: str, words: str) -> None:
    await send(running, subject="<b>bold</b>")
    page = await running.browser.get("/", headers={"Accept-Language": language})
    assert page.status_code == 200
    assert words in page.text
    assert "&lt;b&gt;bold&lt;/b&gt;" in page.text


async def test_a_mail_is_shown_without_believing_it(running: Running) -> None:
    await send(running, html='<html><head></head><body><script>alert(1)</script><img src="https://evil.example/x.png">')
    [mail] = (await running.browser.get("/api/messages")).json()["messages"]
    page = await running.browser.get(f"/mails/{mail['id']}")
    assert "&lt;script&gt;" in page.text
    assert '<a href="http://localhost/not-me/abc" target="_blank" rel="noreferrer">' in page.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    frame = await running.browser.get(f"/mails/{mail['id']}/html")
    policy = frame.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "script-src" not in policy
    assert '<head><base target="_blank">' in frame.text


async def test_a_text_is_kept_beside_the_mails(running: Running) -> None:
    text = {"from": "munjigi", "to": "+821012345678", "text": "[문지기] 인증번호 482913\n@localhost #482913"}
    assert (await running.browser.post("/api/texts", json=text)).status_code == 201
    [found] = (await running.browser.get("/api/messages?to=%2B821012345678")).json()["messages"]
    assert (found["channel"], found["text"], found["to"]) == ("text", text["text"], ["+821012345678"])
    page = await running.browser.get("/", headers={"Accept-Language": "en"})
    assert "[문지기] 인증번호 482913</a>" in page.text
    assert "Text</span>" in page.text
    shown = await running.browser.get(f"/mails/{found['id']}")
    assert "@localhost #482913" in shown.text
    assert "iframe" not in shown.text


async def test_no_foreign_page_puts_a_text_there(running: Running) -> None:
    plain = await running.browser.post(
        "/api/texts", content=b'{"from":"","to":"","text":""}', headers={"Content-Type": "text/plain"}
    )
    too_long = await running.browser.post("/api/texts", json={"from": "", "to": "", "text": "a" * 9000})
    assert (plain.status_code, too_long.status_code) == (400, 400)
    assert (await running.browser.get("/api/messages")).json() == {"messages": []}


async def test_what_is_gone_is_said_to_be(running: Running) -> None:
    assert (await running.browser.get("/mails/nothing")).status_code == 404
    assert (await running.browser.get("/mails/nothing/html")).status_code == 404
    assert (await running.browser.get("/api/messages/nothing")).status_code == 404


async def test_all_can_be_deleted_from_its_own_page_alone(running: Running) -> None:
    await send(running)
    refused = await running.browser.post("/clear", headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert len((await running.browser.get("/api/messages")).json()["messages"]) == 1
    cleared = await running.browser.post("/clear", headers={"Sec-Fetch-Site": "same-origin"})
    assert cleared.status_code == 303
    assert (await running.browser.get("/api/messages")).json() == {"messages": []}


async def test_a_name_that_is_not_this_machine_is_answered_nothing(running: Running) -> None:
    await send(running)
    answer = await running.browser.get("/api/messages", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "mina" not in answer.text


async def test_news_come_as_they_happen_and_after_an_interruption(running: Running) -> None:
    await send(running, subject="first")
    async with running.browser.stream("GET", "/news") as stream:
        lines = stream.aiter_lines()
        first = await next_mail(lines)
        await send(running, subject="second")
        assert '"subject":"second"' in (await next_mail(lines))["data"]
    async with running.browser.stream("GET", "/news", headers={"Last-Event-ID": first["id"]}) as stream:
        assert '"subject":"second"' in (await next_mail(stream.aiter_lines()))["data"]


async def test_a_stream_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with asyncio.timeout(3):
        async with inbox_at(tmp_path) as served, served.browser.stream("GET", "/news") as stream:
            assert await anext(stream.aiter_lines()) == "retry: 1000"


@pytest.mark.parametrize("setting", ["listen", "smtp"])
async def test_it_listens_on_this_machine_alone(tmp_path: Path, setting: str) -> None:
    settings = Settings(var=tmp_path, inbox=InboxSettings(**{setting: "0.0.0.0:9999"}))
    with pytest.raises(WrongSettings, match=f"MUNJIGI_INBOX__{setting.upper()}"):
        await app.serve(settings, lambda: None, asyncio.Event())


def test_the_oldest_goes_first() -> None:
    inbox = Inbox(capacity=2)
    for number in range(3):
        inbox.keep(mail(str(number)))
    assert [kept.id for kept in inbox.newest()] == ["2", "1"]
    assert [kept.id for kept in inbox.since("0")] == ["1", "2"]
    assert [kept.id for kept in inbox.since("1")] == ["2"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff", b"Subject: =?x?b?=\r\n\r\nhi"],
)
def test_what_cannot_be_read_is_kept_too(content: bytes) -> None:
    assert read(content, mail_id="1", sender="", to=["x@y.z"], received_at=NOON).id == "1"


def test_mails_travel_in_the_clear_to_this_machine_alone() -> None:
    here = Settings(mail=MailSettings(server="127.0.0.1:2525", encryption="none"))
    assert MailServer.of(here).encryption == "none"
    with pytest.raises(WrongSettings, match="MUNJIGI_MAIL__ENCRYPTION"):
        MailServer.of(Settings(mail=MailSettings(server="mail.example.com:25", encryption="none")))
    assert MailServer.of(Settings(mail=MailSettings(server="mail.example.com:587"))).encryption == "starttls"


def mail(mail_id: str) -> Mail:
    return Mail(mail_id, NOON, "", (), "", "", "", "")


async def next_mail(lines: AsyncIterator[str]) -> dict[str, str]:
    async for line in lines:
        if line == "event: mail":
            id_line, data_line = await anext(lines), await anext(lines)
            return {"id": id_line.removeprefix("id: "), "data": data_line.removeprefix("data: ")}
    raise AssertionError("the stream ended")
