"""People whose password is still in their organisation's old system: asked once, and kept from then on."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text

from config.settings import Settings
from idp.credentials.throttle import PASSWORD_OF_ACCOUNT_HERE
from idp.every_client import NotDone
from idp.every_old_system import Wanted, forget_old_system, name_old_system
from tests.clock import FakeClock
from tests.idp.login_pages.test_sign_in import app, kinds, open_sign_in, person, submit
from tests.idp.people import HOUSE, add_person
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]

OLD_PASSWORD = "as it was before"
WHY = "the move"


AWAY = (
    (500, b"{}"), (302, b""), (200, b"yes"), (200, b'{"verified": "yes"}'), (200, b" " * 70_000),
    (200, b'{"verified": true, "person": {"roles": 1}}'),
    (200, b'{"verified": true, "person": {"roles": ["administrator"]}}'),
)  # fmt: skip
"""Answers by which nothing is known."""


@dataclass
class Old:
    """An old system that speaks HTTP/1.1, and what it was asked."""

    address: str = ""
    secret: bytes = b""
    asked: list[dict[str, str]] = field(default_factory=list)
    answer: tuple[int, bytes] | None = None
    """In the place of what it would say."""
    person: dict[str, Any] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(fields["content-length"]))
        signed = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(self.secret, signed, hashlib.sha256)).decode()
        assert head[0] == "POST /verify HTTP/1.1"
        assert fields["webhook-signature"] == f"v1,{expected}"
        self.asked.append(json.loads(body))
        right = self.asked[-1]["password"] == OLD_PASSWORD
        said = json.dumps({"verified": right, "person": self.person} if right else {"verified": False}).encode()
        status, content = self.answer or (200, said)
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(content)))
        writer.write(content)
        writer.close()


@pytest.fixture
async def old(provider: Provider) -> AsyncIterator[Old]:
    system = Old(person={"display_name": "Jun Lee", "email": "jun@mail.example", "roles": ["customer"]})
    server = await asyncio.start_server(system.serve, "127.0.0.1", 0)
    system.address = f"http://localhost:{server.sockets[0].getsockname()[1]}/verify"
    async with provider.parts.database.begin() as tx:
        await add_person(tx, "dan", with_mail=False)  # with the organisation, and without a password
    wanted = Wanted(address=system.address, endings=["@old.example"], roles=["moved"])
    named = await name_old_system(provider.parts.settings, HOUSE, wanted, WHY)
    system.secret = base64.b64decode(named.removeprefix("whsec_"))
    yield system
    server.close()
    await server.wait_closed()


async def test_somebody_unknown_is_taken_over_once(provider: Provider, app: App, old: Old, database: Any) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    assert (await submit(browser, page, "JUN@old.example", "a wrong one")).status_code == 422
    page = await submit(browser, page, "JUN@old.example", OLD_PASSWORD)
    assert browser.address.startswith(CALLBACK), page.text
    assert old.asked == [
        {"login_name": "jun@old.example", "password": "a wrong one"},
        {"login_name": "jun@old.example", "password": OLD_PASSWORD},
    ]
    async with database("owner").connect() as tx:
        query = text(
            "SELECT display_name, email, roles, hash FROM idp.login_name JOIN idp.user_account ON id = user_id"
            " JOIN idp.membership USING (user_id) JOIN idp.password USING (user_id) WHERE name = 'jun@old.example'"
        )
        kept = (await tx.execute(query)).one()
    assert (kept.display_name, kept.email, sorted(kept.roles)) == ("Jun Lee", "jun@mail.example", ["customer", "moved"])
    assert kept.hash.startswith("$argon2id$")
    found = await kinds(provider, database)
    assert found[:4] == ["old_system_changed", "sign_in_failed", "person_taken_over", "sign_in_succeeded"]

    other = provider.browser()
    await submit(other, await open_sign_in(other, app), "jun@old.example", "a wrong one")
    await submit(other, await open_sign_in(other, app), "jun@old.example", OLD_PASSWORD)
    assert len(old.asked) == 2, "it is never asked about anybody who has a password here"


async def test_somebody_who_was_imported_without_a_password(provider: Provider, app: App, old: Old) -> None:
    browsers = [provider.browser() for _ in range(3)]
    pages = [await open_sign_in(browser, app) for browser in browsers]
    async with asyncio.timeout(60):
        found = await asyncio.gather(
            *(submit(browser, page, "dan", OLD_PASSWORD) for browser, page in zip(browsers, pages, strict=True))
        )
    assert 422 not in [page.status_code for page in found], "all of them were right"
    assert len(old.asked) == 3
    async with provider.parts.database.connect() as tx:
        stored = await tx.scalar(text("SELECT hash FROM idp.password"))
    assert str(stored).startswith("$argon2id$")


async def test_nobody_else_is_asked_about(provider: Provider, app: App, old: Old, clock: FakeClock) -> None:
    await person(provider, "mina")
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    for name in ("mina", "nobody", "nobody@elsewhere.example", "x@old.example.org"):
        assert (await submit(browser, page, name, "wrong")).status_code == 422
    assert old.asked == []
    with pytest.raises(
        NotDone, match=r"1 people have no password here yet.*@old.example and never came is known to it alone"
    ):
        await forget_old_system(provider.parts.settings, HOUSE, WHY)
    assert await forget_old_system(provider.parts.settings, HOUSE, WHY, although_needed=True)
    assert not await forget_old_system(provider.parts.settings, HOUSE, WHY)
    clock.advance(61)
    page = await open_sign_in(browser, app)
    assert (await submit(browser, page, "jun@old.example", OLD_PASSWORD)).status_code == 422
    assert old.asked == []


async def test_while_it_is_away_nothing_is_held_against_anybody(provider: Provider, app: App, old: Old) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    for answer in AWAY:
        old.answer = answer
        told = await submit(browser, page, "jun@old.example", OLD_PASSWORD)
        assert told.status_code == 503
        assert "MJ-IDP-107" in told.text
    assert len(AWAY) > PASSWORD_OF_ACCOUNT_HERE.free, "as many guesses would have to wait"
    old.answer = None
    await submit(browser, page, "jun@old.example", OLD_PASSWORD)
    assert browser.address.startswith(CALLBACK)


async def test_guesses_are_throttled_like_any_others(provider: Provider, app: App, old: Old) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    guesses = range(PASSWORD_OF_ACCOUNT_HERE.free + 2)
    found = [(await submit(browser, page, "jun@old.example", f"guess {guess}")).status_code for guess in guesses]
    assert found[-1] == 429
    assert len(old.asked) < len(guesses)


async def test_what_cannot_be_named_is_told(settings: Settings) -> None:
    for wanted in (
        Wanted(address="ftp://x.example/"),
        Wanted(address="https://user@x.example/"),
        Wanted(address="https://x.example/", endings=[""]),
        Wanted(address="https://x.example/", endings=["@X"]),
        Wanted(address="https://x.example/", roles=["administrator"]),
        Wanted(address="https://x.example/", private=["10.0.0.0/99"]),
    ):
        with pytest.raises(NotDone):
            await name_old_system(settings, HOUSE, wanted, WHY)
