"""Somebody with a device that approves, and another browser where they sign in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from tests.idp.account.conftest import Resident, app, arrive, hidden
from tests.idp.approvals.devices import Question, SoftDevice
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.login_pages.test_sign_in import open_sign_in, submit
from tests.idp.provider import App, Provider

__all__ = ["app", "arrive"]


@dataclass
class Approving:
    """The phone, which approves, and whatever signs in elsewhere."""

    provider: Provider
    app: App
    phone: SoftDevice
    person: Resident
    records: Callable[[], Awaitable[list[tuple[str, dict[str, Any]]]]]

    async def elsewhere(self, address: str = "10.0.0.9") -> tuple[Browser, httpx2.Response]:
        """Another browser, past the password."""
        browser = self.provider.browser(address)
        browser.cookies["mj-locale"] = "en"
        page = await submit(browser, await open_sign_in(browser, self.app))
        assert "One more check" in page.text
        return browser, page

    async def ask(self, browser: Browser, page: httpx2.Response) -> httpx2.Response:
        """It asks the other device."""
        return await browser.follow(await browser.post("/factor/push", {"hop": hidden(page)}))

    async def take(self, browser: Browser, page: httpx2.Response) -> httpx2.Response:
        """It goes on, if it may."""
        form = {"hop": hidden(page), "act": "take"}
        return await browser.follow(await browser.post("/factor/push", form))

    async def question(self) -> Question:
        """The one question that the phone is asked."""
        (question,) = await self.phone.questions()
        return question

    async def kinds(self) -> list[str]:
        """The audit's trail of approvals and factors."""
        return [kind for kind, _ in await self.records() if kind.startswith(("approval", "factor"))]


@pytest.fixture
async def approving(provider: Provider, app: App, arrive: Any, database: OpenDatabase) -> Approving:
    mina = await arrive("mina")

    async def records() -> list[tuple[str, dict[str, Any]]]:
        query = text("SELECT kind, details FROM audit.record WHERE subject = :person ORDER BY id")
        async with database("owner").connect() as tx:
            return [(row.kind, row.details) for row in await tx.execute(query, {"person": str(mina.id)})]

    phone = SoftDevice(mina.browser)
    page = await phone.enrol()
    assert page.status_code == 200, page.text
    return Approving(provider, app, phone, mina, records)
