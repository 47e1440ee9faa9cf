"""Somebody who is signed in, and looks at their account."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import httpx2
import pyotp
import pytest
from sqlalchemy import text

from idp.factors import totp
from idp.factors.totp import Authenticator
from idp.sessions.session import Session
from idp.storage import factors, passwords, sessions
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.letters import Letter, letters
from tests.idp.people import add_person
from tests.idp.provider import CALLBACK, App, Provider

PASSWORD = "a horse, a staple and some mist"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def hidden(page: httpx2.Response, name: str = "hop") -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


@dataclass
class Resident:
    """A person with a browser that is signed in."""

    provider: Provider
    app: App
    id: UUID
    browser: Browser
    trail: Callable[[UUID], Awaitable[list[str]]]

    async def get(self, path: str) -> httpx2.Response:
        return await self.browser.get(path)

    async def post(self, path: str, **form: str) -> httpx2.Response:
        """A form of the account, with the hop that its pages carry now; redirects are followed."""
        hop = {} if "hop" in form else {"hop": await self.hop()}
        return await self.browser.follow(await self.browser.post(path, {**hop, **form}))

    async def hop(self) -> str:
        """What a form of this session carries."""
        return hidden(await self.browser.get("/account/session"))

    async def session(self) -> Session | None:
        """Their live session."""
        async with self.provider.parts.database.connect() as tx:
            return await sessions.live_of(tx, self.id, self.provider.parts.clock.now())

    async def letters(self) -> list[Letter]:
        """The notices that wait to be mailed, but those of new devices; the oldest first."""
        return [one for one in await letters(self.provider.parts.settings) if one.kind != "new_device"]

    async def kinds(self) -> list[str]:
        """What the audit's trail has of them."""
        return await self.trail(self.id)

    async def move(self, address: str) -> None:
        """They take their session over at another browser, which is theirs from now on."""
        browser = self.provider.browser(address)
        browser.cookies["mj-locale"] = "en"
        await browser.follow(await browser.get(self.app.request()))
        page = await self.provider.prove(browser, self.id)
        form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
        await browser.follow(await browser.post("/takeover", form))
        assert browser.address.startswith(CALLBACK), browser.address
        self.browser = browser


Arrive = Callable[..., Awaitable[Resident]]


@pytest.fixture
async def app(provider: Provider) -> App:
    return await provider.register()


@pytest.fixture
def arrive(provider: Provider, app: App, database: OpenDatabase) -> Arrive:
    """`await arrive("mina", with_totp=True)`: a person with a password who is signed in, and reads English."""

    async def trail(user_id: UUID) -> list[str]:
        query = text("SELECT kind FROM audit.record WHERE subject = :subject ORDER BY id")
        async with database("owner").connect() as tx:
            return list((await tx.execute(query, {"subject": str(user_id)})).scalars())

    async def arrive(
        name: str = "mina", *, with_totp: bool = False, with_mail: bool = True, address: str = "127.0.0.1"
    ) -> Resident:
        parts = provider.parts
        hashed = await parts.passwords.hash(PASSWORD)
        async with parts.database.begin() as tx:
            user = (await add_person(tx, name, with_mail=with_mail)).id
            await passwords.put_password(tx, user, hashed, parts.clock.now())
            if with_totp:
                ident = parts.entropy.uuid()
                app_of_theirs = Authenticator(
                    id=ident,
                    user_id=user,
                    label="App",
                    sealed_secret=parts.envelope.seal(SECRET.encode(), totp.context(ident)),
                    last_accepted_step=0,
                    created_at=parts.clock.now(),
                    confirmed_at=None,
                )
                await factors.begin_enrolment(tx, app_of_theirs)
                await factors.confirm(tx, ident, parts.clock.now())
        browser = provider.browser(address)
        browser.cookies["mj-locale"] = "en"
        code = await provider.sign_in(browser, app, user, *(("pwd", "otp", "mfa") if with_totp else ("pwd",)))
        assert (await provider.redeem(app, code)).status_code == 200
        return Resident(provider, app, user, browser, trail)

    return arrive


def digits(provider: Provider) -> str:
    """What the authenticator app shows now."""
    return pyotp.TOTP(SECRET).at(int(provider.parts.clock.timestamp()))
