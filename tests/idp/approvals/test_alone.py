"""Signing in by a name and an approval, where that is set; nobody learns whose name it is."""

from __future__ import annotations

import html

import httpx2
import pytest

from config.problem import CORRELATION_HEADER
from config.settings import Settings
from idp.factors.push_approval import LIFETIME
from idp.storage import sessions
from tests.clock import FakeClock
from tests.idp.account.conftest import hidden
from tests.idp.approvals.conftest import Approving
from tests.idp.approvals.devices import as_json, number
from tests.idp.browser import Browser
from tests.idp.login_pages.test_sign_in import open_sign_in
from tests.idp.provider import CALLBACK


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    alone = getattr(request, "param", "both")
    return settings.model_copy(update={"idp": settings.idp.model_copy(update={"approval_alone": alone})})


async def ask(approving: Approving, name: str, address: str = "10.0.0.9") -> tuple[Browser, httpx2.Response]:
    browser = approving.provider.browser(address)
    browser.cookies["mj-locale"] = "en"
    page = await open_sign_in(browser, approving.app)
    form = {"hop": hidden(page), "login": name}
    return browser, await browser.follow(await browser.post("/sign-in/push", form))


async def take(browser: Browser, page: httpx2.Response) -> httpx2.Response:
    return await browser.follow(await browser.post("/sign-in/push", {"hop": hidden(page), "act": "take"}))


async def test_an_approval_is_a_whole_sign_in_where_that_is_set(approving: Approving) -> None:
    browser, page = await ask(approving, "mina")
    question = await approving.question()
    early = await take(browser, page)
    assert "I approved it" in early.text
    assert await approving.phone.answer(question, "approve", number(page)) == "approved"
    done = await take(browser, page)
    assert "You are signed in somewhere else" in done.text
    form = {"hop": hidden(done), "session": hidden(done, "session"), "choice": "take_over"}
    await browser.follow(await browser.post("/takeover", form))
    assert browser.address.startswith(CALLBACK)
    parts = approving.provider.parts
    async with parts.database.connect() as tx:
        live = await sessions.live_of(tx, approving.person.id, parts.clock.now())
    assert live is not None
    assert live.amr == ("swk", "mca", "mfa")


@pytest.mark.parametrize("settings", ["first"], indirect=True)
async def test_as_a_first_factor_it_is_not_the_second_one_too(approving: Approving) -> None:
    browser, page = await ask(approving, "mina")
    await approving.phone.answer(await approving.question(), "approve", number(page))
    done = await take(browser, page)
    assert "One more check" in done.text
    assert "Approve on another device" not in done.text, "one key is no two factors"
    await browser.post("/factor/push", {"hop": hidden(done)})
    assert await approving.phone.questions() == []


@pytest.mark.parametrize("settings", ["off"], indirect=True)
async def test_where_it_is_not_set_nobody_is_asked(approving: Approving) -> None:
    _, page = await ask(approving, "mina")
    assert "Approve on another device" not in page.text
    assert await approving.phone.questions() == []


def told(page: httpx2.Response) -> str:
    """What a page says, without what differs from one page to the next."""
    text = page.text.partition("<main")[2].partition("</main>")[0]
    for varying in (number(page), hidden(page), page.headers[CORRELATION_HEADER]):
        text = text.replace(varying, "*")
    return html.unescape(text).partition("data-options=")[0]


async def test_a_name_that_nobody_has_waits_like_any_other(approving: Approving, clock: FakeClock) -> None:
    browser, page = await ask(approving, "mina")
    stranger, other = await ask(approving, "nobody")
    assert told(page).replace("mina", "nobody") == told(other)
    assert (await browser.get(browser.address)).text.count(number(page)), "the number stays when it is loaded again"

    # a "no" of a person looks like no answer at all
    assert await approving.phone.answer(await approving.question(), "deny") == "denied"
    for one, shown in ((browser, page), (stranger, other)):
        state = await one.get(f"/sign-in/push/state?hop={hidden(shown)}")
        assert as_json(state) == {"state": "pending"}
        assert "I approved it" in (await take(one, shown)).text
    again, page = await ask(approving, "mina", "10.0.0.10")
    assert number(page), "nor is it seen that nobody is asked any more"
    assert await approving.phone.questions() == []
    clock.advance(LIFETIME.total_seconds())
    state = await again.get(f"/sign-in/push/state?hop={hidden(page)}")
    assert as_json(state) == {"state": "expired"}
