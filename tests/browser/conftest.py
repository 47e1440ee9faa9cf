"""A house that is up, a Chromium, and what people do with both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.chromium import light_program
from tests.house import House, running_house

PATIENCE = 15_000
"""Milliseconds; a busy machine takes its time."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """`munjigi up`, with its demo data, on ports and in a folder of its own."""
    with running_house() as house:
        yield house


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with the module: while it runs, its loop keeps every other from running in this thread."""
    expect.set_options(timeout=PATIENCE)
    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=light_program(), args=arguments)
        yield launched
        launched.close()


@dataclass
class Person:
    """Somebody at one browser of their own: cookies are not shared with the others."""

    house: House
    context: BrowserContext
    page: Page

    def open_shop(self) -> None:
        self.page.goto(self.house.shop)

    def give_password(self, name: str, password: str) -> None:
        self.page.locator("#identifier").fill(name)
        self.page.locator("#password").fill(password)
        self.page.locator("form button.primary").first.click()

    def give_code(self, code: str) -> None:
        self.page.locator("#code").fill(code)
        self.page.locator("form button.primary").click()

    def sign_in(self, name: str) -> None:
        """Open the shop and sign in, up to whatever comes after the password, or after the code by mail."""
        self.open_shop()
        expect(self.page).to_have_url(self.house.sign_in_page)
        before = self.house.mails(name)
        self.give_password(name, self.house.password(name))
        expect(self.page).not_to_have_url(self.house.sign_in_page)
        if self.is_asked_for_a_mailed_code():
            self.give_code(self.house.mailed_code(name, before))

    def is_asked_for_a_mailed_code(self) -> bool:
        return self.page.locator('button[value="resend"]').count() > 0

    def is_in_the_shop(self) -> None:
        expect(self.page).to_have_url(self.house.shop)
        expect(self.page.locator("[data-product]").first).to_be_visible()


class People:
    """Opens a browser for each."""

    def __init__(self, house: House, browser: Browser) -> None:
        self._house = house
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def arrive(self, *, locale: str = "ko-KR", scripts: bool = True, width: int = 1280, dark: bool = False) -> Person:
        context = self._browser.new_context(
            locale=locale,
            java_script_enabled=scripts,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))
        return Person(self._house, context, page)

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and "Content Security Policy" in text:
            self.complaints.append(text)

    def leave(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def people(house: House, browser: Browser) -> Iterator[People]:
    """Everybody's browsers; a script's error, or a page that breaks its own security policy, fails the test."""
    everybody = People(house, browser)
    yield everybody
    everybody.leave()
    house.end_all_sessions()
    house.forget_attempts()
    assert everybody.complaints == []


@pytest.fixture
def console(house: House) -> str:
    return f"http://console.localhost:{house.gateway_port}"


@pytest.fixture
def administrator(house: House, people: People, console: str) -> Person:
    """The demo administrator, at the console."""
    return at_console(house, people, console, "admin")


def at_console(house: House, people: People, console: str, name: str) -> Person:
    """Somebody with an authenticator app, signed in there with both factors, as if their last code were long ago."""
    house.forget_codes()
    person = people.arrive(locale="en-GB")
    person.page.goto(f"{console}/?locale=en")
    expect(person.page).to_have_url(house.sign_in_page)
    person.give_password(name, house.password(name))
    person.give_code(pyotp.TOTP(house.totp_secret(name)).at(datetime.now(UTC)))
    expect(person.page).to_have_url(f"{console}/sessions")
    person.page.goto(f"{console}/sessions?locale=en")
    return person


def confirm(page: Page, label: str, why: str) -> None:
    """Give the reason in the dialog of an act, and do it."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(why)
    dialog.get_by_role("button", name=label).click()
    expect(dialog).to_have_count(0)  # it stands until the act is done
