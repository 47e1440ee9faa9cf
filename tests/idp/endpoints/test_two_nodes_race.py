"""A thousand concurrent logins of one person over two processes of the identity provider, by real HTTP (S1).

Each login is a browser of its own. What a password and a mailed code would prove is put into the stored login by
the test, since guessing is throttled for one account as it must be; everything else is the product's: both processes
decide, show pages, take choices, begin and end sessions. What each browser saw is held against the
order of what was committed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from config.clock import SystemClock
from config.settings import Settings
from idp.authorization.next_step import Step
from idp.endpoints.login.arrivals import hash_session_cookie
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.linearizability import Act, violations
from tests.idp.login_pages.test_sign_in import hidden
from tests.idp.node import nodes
from tests.idp.provider import CALLBACK, FACTOR, App, Provider
from tests.idp.sessions.test_one_session import assert_one_session_per_user

TAKES_OVER = 3
"""How often a login takes over what it is shown; then it keeps the other session."""
AT_ONCE = 24
"""Requests of all browsers at one process at one time; it has 16 connections to PostgreSQL."""


@pytest.fixture
def clock() -> object:
    """The nodes go by the real one."""
    return SystemClock()


@dataclass
class Login:
    """One browser's login, and what it saw of the person's session."""

    provider: Provider
    browser: Browser
    app: App
    user: UUID
    turn: asyncio.Semaphore
    own_connections: asyncio.Semaphore
    seen: list[tuple[float, float, str]] = field(default_factory=list)
    began: tuple[float, float] | None = None

    async def run(self) -> None:
        """From the authorization request to the code, or to having kept another session."""
        page = await self._go("GET", self.app.request(prompt="login"))
        await self.provider_change(Step.SIGN_IN, lambda login: login.signed_in(self.user, ("pwd",), self._now()))
        page = await self._go("GET", self._dispatcher)
        taken = 0
        while not self.browser.address.startswith(CALLBACK):
            if self.browser.address.startswith(FACTOR):
                await self.provider_change(Step.FACTOR, lambda login: login.passed_factor(("email",), self._now()))
                page = await self._go("GET", self._dispatcher)
                continue
            choice = "take_over" if taken < TAKES_OVER else "keep"
            taken += 1
            form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": choice}
            page = await self._go("POST", "/takeover", form)

    async def provider_change(self, step: Step, how: Callable[..., object]) -> None:
        async with self.own_connections:
            changed = await self.provider.change_stored(self.browser, step, how)
        self._dispatcher = self.provider.parts.hops.to_dispatcher(changed).headers["location"]

    async def _go(self, method: str, url: str, form: dict[str, str] | None = None) -> httpx2.Response:
        """One navigation with its redirects, each of them a request whose answer may say which session lives."""
        while True:
            async with self.turn:
                asked = time.monotonic()
                try:
                    response = await self.browser.get(url) if form is None else await self.browser.post(url, form)
                except httpx2.RemoteProtocolError:
                    continue  # sent on a connection that the node had just closed for being idle: browsers ask again
                answered = time.monotonic()
            if response.status_code == 503:
                continue  # the pool was full for five seconds; nothing happened
            form = None
            if not response.is_redirect:
                if "/takeover" in url:
                    self.seen.append((asked, answered, hidden(response, "session")))
                return response
            url = response.headers["location"]
            if url.startswith(CALLBACK):
                self.browser.address = url
                if "code=" in url:
                    self.began = (asked, answered)
                return response

    def _now(self) -> datetime:
        return self.provider.parts.clock.now()


async def test_a_dozen_concurrent_logins_over_two_nodes(
    settings: Settings, provider: Provider, database: OpenDatabase
) -> None:
    await _race(settings, provider, database, 12)


@pytest.mark.proof
async def test_a_thousand_concurrent_logins_over_two_nodes(
    settings: Settings, provider: Provider, database: OpenDatabase
) -> None:
    await _race(settings, provider, database, 1000)


async def _race(settings: Settings, provider: Provider, database: OpenDatabase, number: int) -> None:
    app, user = await provider.register(), await provider.person()
    with nodes(settings, 2, MUNJIGI_IDP__LOGIN_LIFETIME="3600") as both:  # a busy machine takes its time
        own_connections = asyncio.Semaphore(8)
        turns = [asyncio.Semaphore(AT_ONCE) for _ in both]
        transports = [httpx2.AsyncHTTPTransport(uds=str(node.address)) for node in both]
        logins = [
            Login(provider, Browser(transports[n % 2]), app, user, turns[n % 2], own_connections) for n in range(number)
        ]
        await asyncio.gather(*(login.run() for login in logins))
        for transport in transports:
            await transport.aclose()
    async with database("owner").connect() as tx:
        rows = (
            await tx.execute(
                text("SELECT sid, cookie_hash FROM idp.session WHERE user_id = :user ORDER BY created_at, ended_at"),
                {"user": user},
            )
        ).all()
    of_cookie = {row.cookie_hash: row.sid for row in rows}
    acts = [Act(*seen, began=False) for login in logins for seen in login.seen]
    for login in logins:
        if login.began is not None:
            sid = of_cookie[hash_session_cookie(login.browser.cookies["__Host-munjigi-session"])]
            acts.append(Act(*login.began, sid, began=True))
    assert violations([row.sid for row in rows], acts) == []
    began = sum(act.began for act in acts)
    assert began > 1
    assert await assert_one_session_per_user(database, user) == began
    assert {bool(login.began) for login in logins} == {True, False} or began == number
