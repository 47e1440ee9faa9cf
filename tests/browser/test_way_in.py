"""The way in, in a real browser: a failed sign-in answered in place, the way back by mail, and how the pages look."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from pages.assets import OWN
from tests.axe import assert_accessible
from tests.browser.conftest import People, Person
from tests.house import House

pytestmark = pytest.mark.browser

FIRST_PAGE = 50 * 1024
STYLESHEET = 15 * 1024
WIDTHS = [320, 1280]
LOOKS = pytest.mark.parametrize(
    ("width", "dark", "locale"),
    [
        pytest.param(width, dark, locale, marks=() if (width > 320) ^ dark ^ (locale == "en-GB") else pytest.mark.proof)
        for width in WIDTHS
        for dark in (False, True)
        for locale in ("ko-KR", "en-GB")
    ],
)
"""Each two of them together; all three in every combination as a long proof."""


def recovery_link(house: House, person: Person, name: str) -> str:
    """Ask for a link, and read the mail."""
    person.page.goto(f"{house.issuer}/recover")
    person.page.locator("#identifier").fill(name)
    person.page.locator("button.primary").click()
    expect(person.page.locator(".notice.success")).to_be_visible()
    return in_the_mail(house, person, name, re.escape(house.issuer) + r"/recover/password\?token=[A-Za-z0-9_-]+")


def in_the_mail(house: House, person: Person, name: str, wanted: str) -> str:
    """What stands in the newest mail to a demo person; it is written and carried after the answer."""
    inbox = person.context.new_page()
    for _ in range(200):
        inbox.goto(f"{house.inbox}api/messages?limit=1&to={name}@dalbit.localhost")
        if found := re.search(wanted, inbox.locator("body").inner_text()):
            inbox.close()
            return found[0]
        inbox.wait_for_timeout(50)
    raise AssertionError(inbox.content())


def get_in(house: House, person: Person, name: str) -> None:
    """From the password to the shop; a device that is new is confirmed by mail."""
    before = house.mails(name)
    person.page.locator("#password").fill(house.password(name))
    person.page.keyboard.press("Enter")
    expect(person.page).not_to_have_url(house.sign_in_page)
    if person.is_asked_for_a_mailed_code():
        person.give_code(house.mailed_code(name, before))
    person.is_in_the_shop()


def fail(person: Person, name: str = "sora", password: str = "not the password") -> None:
    person.page.locator("#identifier").fill(name)
    person.page.locator("#password").fill(password)
    with person.page.expect_response(lambda answer: answer.request.method == "POST"):
        person.page.locator("form[data-in-place] button.primary").click()


def test_a_failed_sign_in_is_answered_in_a_dialog_with_the_form_in_it(house: House, people: People) -> None:
    person = people.arrive(locale="en-GB")
    person.open_shop()
    address = person.page.url
    fail(person)
    dialog = person.page.locator("dialog#failed")
    expect(dialog).to_be_visible()
    assert person.page.url == address, "in place"
    expect(dialog.locator("[role=alert] li")).to_have_text(
        "This name and password do not go together. Check both, then try again."
    )
    expect(dialog.locator("[data-code] code")).to_have_text("MJ-SIGNIN-001")
    expect(dialog.locator("[data-code] a")).to_have_attribute("href", re.compile(r"^/help/MJ-SIGNIN-001\?ref="))
    expect(dialog.locator("#identifier")).to_have_value("sora")
    expect(dialog.locator("#password")).to_have_value("")
    expect(dialog.locator("#password")).to_be_focused()
    expect(dialog.locator("#password")).to_have_attribute("aria-invalid", "true")
    expect(dialog.locator("#password-error")).to_be_visible()
    assert_accessible(person.page)

    person.page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(person.page.locator("[data-home] #password")).to_be_focused()
    fail(person)
    fail(person)
    help_in_detail = dialog.locator("[data-help-in-detail]")
    expect(help_in_detail).to_be_visible()
    expect(help_in_detail.locator("a[href^='mailto:help@dalbit.localhost?subject=']")).to_be_visible()
    reference = help_in_detail.locator("[data-reference]").inner_text()
    assert reference in (help_in_detail.locator("[data-support-mail]").get_attribute("href") or "")
    assert_accessible(person.page)

    get_in(house, person, "sora")


def test_a_pause_is_counted_down_and_the_form_waits(house: House, people: People) -> None:
    person = people.arrive(locale="ko-KR")
    person.open_shop()
    dialog = person.page.locator("dialog#failed")
    for _ in range(5):
        fail(person, name="somebody-else")
        expect(dialog.locator("[role=alert] li")).to_contain_text("서로 맞지 않아요")
        person.page.evaluate("document.querySelector('dialog#failed [data-summary]').replaceChildren()")
    fail(person, name="somebody-else")
    expect(dialog.locator("[role=alert] li")).to_contain_text("잠시 쉬어 가요")
    expect(dialog.locator("[role=timer]")).to_contain_text("남은 시간 0:0")
    expect(dialog.locator("form[data-in-place] button.primary")).to_be_disabled()
    expect(dialog.locator("[role=timer]")).to_have_text("이제 다시 해 볼 수 있어요.", timeout=8_000)
    expect(dialog.locator("form[data-in-place] button.primary")).to_be_enabled()


def test_without_scripts_the_same_page_answers(house: House, people: People) -> None:
    person = people.arrive(scripts=False, locale="en-GB")
    person.open_shop()
    for failure in (1, 2, 3):
        fail(person, name="nobody-at-all")
        expect(person.page.locator("#error-summary")).to_be_visible()
        expect(person.page.locator("#password-error")).to_be_visible()
        expect(person.page.locator("#identifier")).to_have_value("nobody-at-all")
        expect(person.page.locator("[data-help-in-detail]")).to_be_visible(visible=failure == 3)


def test_remember_me_and_back_again(house: House, people: People) -> None:
    person = people.arrive(locale="en-GB")
    person.open_shop()
    person.page.locator("input[type=checkbox][name=remember]").check()
    person.page.locator("#identifier").fill("sora")
    get_in(house, person, "sora")
    house.end_all_sessions()
    person.context.clear_cookies(name="__Host-munjigi-session")
    person.page.goto(f"{house.shop}.munjigi/sign-in?return_to=/")
    expect(person.page.locator("h1")).to_have_text("Continue as Sora Lee")
    expect(person.page.locator("#password")).to_be_focused()
    assert_accessible(person.page)
    get_in(house, person, "sora")


def test_back_after_signing_in_leads_on(house: House, people: People) -> None:
    person = people.arrive()
    person.open_shop()
    address = person.page.url
    person.page.locator("#identifier").fill("sora")
    get_in(house, person, "sora")
    person.page.goto(address)
    person.is_in_the_shop()


def test_the_first_page_is_small_and_does_not_move(house: House, people: People) -> None:
    person = people.arrive(width=320)
    person.page.add_init_script(
        "window.moved = 0;"
        "new PerformanceObserver((list) => list.getEntries().forEach((e) => (window.moved += e.value)))"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    received: dict[str, int] = {}
    person.page.on("response", lambda answer: received.__setitem__(answer.url, len(gzip.compress(_body(answer)))))
    person.open_shop()
    person.page.wait_for_load_state("networkidle")
    here = {url: size for url, size in received.items() if url.startswith(house.issuer)}
    assert any("/sign-in" in url for url in here)
    assert sum(here.values()) < FIRST_PAGE, here
    assert len(gzip.compress((OWN / "munjigi.css").read_bytes())) <= STYLESHEET
    assert person.page.evaluate("window.moved") == 0


def _body(answer: object) -> bytes:
    return b"" if 300 <= answer.status < 400 else answer.body()  # type: ignore[attr-defined] - Playwright's Response


def sign_in_page(house: House, person: Person) -> None:
    person.open_shop()


def failed_page(house: House, person: Person) -> None:
    person.open_shop()
    fail(person, name="nobody-at-all")
    expect(person.page.locator("dialog#failed")).to_be_visible()


def recover_page(house: House, person: Person) -> None:
    person.open_shop()
    person.page.locator(".after a").click()
    expect(person.page.locator("h1")).to_be_visible()


def sent_page(house: House, person: Person) -> None:
    recover_page(house, person)
    person.page.locator("#identifier").fill("nobody-at-all")
    person.page.locator("button.primary").click()
    expect(person.page.locator(".notice.success")).to_be_visible()


def gone_page(house: House, person: Person) -> None:
    person.page.goto(f"{house.issuer}/recover/password?token=gone")


def stale_page(house: House, person: Person) -> None:
    person.open_shop()
    parts = urlsplit(person.page.url)
    person.context.clear_cookies()
    person.page.goto(parts.geturl())
    expect(person.page.locator("a.button.primary")).to_be_visible()


VISITS: list[Callable[[House, Person], None]] = [
    sign_in_page,
    failed_page,
    recover_page,
    sent_page,
    gone_page,
    stale_page,
]


@LOOKS
def test_axe_finds_nothing_and_nothing_is_wider_than_its_window(
    house: House, people: People, width: int, dark: bool, locale: str
) -> None:
    person = people.arrive(width=width, dark=dark, locale=locale)
    for visit in VISITS:
        visit(house, person)
        assert_accessible(person.page)
        assert_fits(person.page, width)


def test_a_new_password_by_mail(house: House, people: People) -> None:
    """Last: it changes the password of a demo person."""
    for width, dark in ((320, True), (1280, False)):
        person = people.arrive(locale="en-GB", width=width, dark=dark)
        person.page.goto(recovery_link(house, person, "jun"))
        expect(person.page.locator("#code")).to_be_visible()
        person.page.get_by_role("button", name="비밀번호 보기").or_(
            person.page.get_by_role("button", name="Show password")
        ).click()
        expect(person.page.locator("#new")).to_have_attribute("type", "text")
        assert_accessible(person.page)
        assert_fits(person.page, width)
    person = people.arrive(locale="en-GB")
    person.page.goto(recovery_link(house, person, "mina"))
    person.page.locator("#new").fill("short")
    person.page.locator("button.primary").click()
    expect(person.page.locator("#new-error")).to_be_visible()
    assert_accessible(person.page)
    person.page.locator("#new").fill("seven herons over the bridge")
    person.page.locator("button.primary").click()
    expect(person.page.locator("h1")).to_have_text("Your password is changed")
    assert_accessible(person.page)


def assert_fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
