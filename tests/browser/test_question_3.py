"""Question 3 of the first topic, as people live it: a second login, what each side is asked and told, and who decides.

Every scenario is lived in Korean at 320 px in the dark, and in English at 1280 px in the light.
"""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import meanwhile
from tests.browser.conftest import People, Person
from tests.browser.looks import Look, by_keyboard, in_each_look
from tests.house import House

pytestmark = pytest.mark.browser

AT_ONCE = 5_000
"""Milliseconds in which an open page hears of what concerns it, on a machine with much else to do."""


def told(page: Page) -> Locator:
    """The dialog over a page whose session ended."""
    return page.get_by_role("alertdialog")


def attempt(page: Page) -> Locator:
    """The notice in the corner of a page whose session another login met."""
    return page.locator("[data-munjigi=attempt] .corner")


def choice(page: Page, which: str) -> Locator:
    return page.locator(f'button[value="{which}"]')


def asked(page: Page) -> None:
    """The person is asked which session lives on."""
    expect(choice(page, "take_over")).to_be_visible()
    expect(page.locator("section.card")).to_have_count(2)


def signed_in(people: People, look: Look, *, scripts: bool = True) -> Person:
    """The person of this look, in the shop; what opens there stays as long as the test looks at it."""
    person = look.arrive(people, scripts=scripts)
    person.sign_in(look.person)
    person.is_in_the_shop()
    return person


def gives_password(person: Person, name: str) -> None:
    person.open_shop()
    expect(person.page).to_have_url(person.house.sign_in_page)
    person.give_password(name, person.house.password(name))
    expect(person.page).not_to_have_url(person.house.sign_in_page)


def link(house: House, name: str, before: list[dict[str, object]], path: str) -> str:
    """A one-time address of the identity provider that a person was mailed since."""
    wanted = re.escape(house.issuer + path) + r"\?\S+"
    found = re.search(wanted, str(meanwhile.mail(house, name, before, wanted)["text"]))
    assert found is not None
    return found[0]


@in_each_look
def test_on_the_same_device_the_person_is_asked_at_once(house: House, people: People, look: Look) -> None:
    first = signed_in(people, look)
    second = look.arrive(people)
    device = [cookie for cookie in first.context.cookies(house.issuer) if cookie["name"] == "__Host-munjigi-device"]
    second.context.add_cookies(device)  # type: ignore[arg-type] # a TypedDict of the same form
    before = house.mails(look.person)

    gives_password(second, look.person)
    asked(second.page)
    look.is_sound(second.page)
    look.picture(second.page, "takeover", whole=True)
    assert told(first.page).count() == 0, "nothing ends before the person has decided"
    by_keyboard(second.page, choice(second.page, "keep"))
    expect(second.page.locator("h1")).to_have_text(
        look.words("로그인을 마치지 않았어요", "The sign-in was not completed")
    )
    look.is_sound(second.page)
    expect(attempt(first.page)).to_contain_text(look.words("그대로 두기로 했어요", "leave this session as it is"))
    first.page.reload()
    first.is_in_the_shop()
    meanwhile.mail(house, look.person, before, "not-me")

    gives_password(second, look.person)
    by_keyboard(second.page, choice(second.page, "take_over"))
    second.is_in_the_shop()
    expect(told(first.page)).to_be_visible(timeout=AT_ONCE)


@in_each_look
def test_from_another_device_a_code_by_mail_comes_first(house: House, people: People, look: Look) -> None:
    first, second = signed_in(people, look), look.arrive(people)
    before = house.mails(look.person)
    gives_password(second, look.person)
    expect(second.page.locator("#code")).to_be_focused()
    expect(second.page.locator("main")).to_contain_text("***@")
    look.is_sound(second.page)
    look.picture(second.page, "code-by-mail", whole=True)
    code = house.mailed_code(look.person, before)
    assert told(first.page).count() == attempt(first.page).count() == 0, "the code comes before everything else"

    second.page.keyboard.type(code)
    second.page.keyboard.press("Enter")
    asked(second.page)
    first.page.clock.pause_at(first.page.evaluate("Date.now()") + 1000)
    by_keyboard(second.page, choice(second.page, "take_over"))
    second.is_in_the_shop()
    expect(told(first.page)).to_be_visible(timeout=AT_ONCE)
    expect(told(first.page)).to_contain_text(look.words("다른 곳에서 로그인해서", "You signed in somewhere else"))
    facts = told(first.page).locator("dl.facts")
    expect(facts).to_contain_text("Chrom")
    expect(facts).to_contain_text(look.words("이 컴퓨터", "this machine"))
    expect(told(first.page).get_by_role("timer")).to_contain_text(look.words("5초 뒤에", "in 5 s"))
    look.picture(first.page, "told")
    assert "Chrom" in str(meanwhile.mail(house, look.person, before, r"not-me\?")["text"])

    first.page.clock.run_for(5_000)
    expect(first.page).to_have_url(re.compile(r"/\.munjigi/ended\?"))
    first.page.clock.resume()
    expect(first.page.locator("main")).to_contain_text("Chrom")
    look.is_sound(first.page)
    look.picture(first.page, "ended", whole=True)


@in_each_look
def test_the_countdown_stops_where_the_person_stays(house: House, people: People, look: Look) -> None:
    first = signed_in(people, look)
    first.page.clock.install()
    first.page.reload()
    expect(first.page.locator("[data-product]").first).to_be_visible()
    meanwhile.an_administrator_ends_the_session(house, look.person)
    stay = told(first.page).get_by_role("button", name=look.words("머무르기", "Stay"))
    expect(told(first.page).locator(".primary")).to_be_focused()
    expect(told(first.page).get_by_role("button", name=look.words("지금 가기", "Go now"))).to_be_visible()
    by_keyboard(first.page, stay)
    expect(told(first.page).get_by_role("timer")).to_contain_text(look.words("멈췄어요", "Paused"))
    look.is_sound(first.page)
    first.page.clock.run_for(60_000)
    expect(told(first.page)).to_be_visible()
    by_keyboard(
        first.page, told(first.page).get_by_role("button", name=look.words("이 화면 보기", "Look at this page"))
    )
    expect(told(first.page)).to_have_count(0)
    over = first.page.locator("[data-munjigi=over] .corner")
    expect(over.get_by_role("button")).to_be_visible()
    look.is_sound(first.page)


@in_each_look
def test_three_wrong_codes_are_told_and_cost_nothing(house: House, people: People, look: Look) -> None:
    first, second = signed_in(people, look), look.arrive(people)
    before = house.mails(look.person)
    gives_password(second, look.person)
    for _ in range(3):
        expect(attempt(first.page)).to_have_count(0)
        second.give_code("000000")
        expect(second.page.locator("#error-summary")).to_be_focused()
    look.is_sound(second.page)
    expect(attempt(first.page)).to_contain_text(
        look.words("확인에 실패해서 들어오지 못했어요", "They failed the check"), timeout=AT_ONCE
    )
    expect(attempt(first.page).locator("dl.facts")).to_contain_text("Chrom")
    look.is_sound(first.page)
    look.picture(first.page, "attempt")
    assert "/not-me?token=" in str(meanwhile.mail(house, look.person, before, r"not-me\?")["text"])

    by_keyboard(second.page, choice(second.page, "give_up"))
    expect(second.page.locator("h1")).to_have_text(
        look.words("로그인을 마치지 않았어요", "The sign-in was not completed")
    )
    attempt(first.page).get_by_role("button", name=look.words("내가 했어요", "This was me")).click()
    expect(attempt(first.page)).to_have_count(0)
    first.page.reload()
    first.is_in_the_shop()


@in_each_look
def test_a_sign_in_that_nobody_finishes_is_told(house: House, people: People, look: Look) -> None:
    first, second = signed_in(people, look), look.arrive(people)
    before = house.mails(look.person)
    gives_password(second, look.person)
    second.page.close()
    meanwhile.the_time_of_all_logins_is_over(house)
    expect(attempt(first.page)).to_contain_text(look.words("끝까지 하지 않았어요", "They did not finish"))
    meanwhile.mail(house, look.person, before, r"not-me\?")
    first.page.reload()
    first.is_in_the_shop()


@in_each_look
def test_whoever_has_an_app_gives_its_code(house: House, people: People, look: Look) -> None:
    app = pyotp.TOTP(house.totp_secret("jun"))
    first, second = look.arrive(people), look.arrive(people)
    meanwhile.the_codes_of_the_app_are_new(house)
    gives_password(first, "jun")
    expect(first.page.locator("#code")).to_be_focused()
    look.is_sound(first.page)
    first.give_code(app.now())
    first.is_in_the_shop()
    gives_password(second, "jun")
    meanwhile.the_codes_of_the_app_are_new(house)
    second.give_code(app.now())
    asked(second.page)
    choice(second.page, "take_over").click()
    second.is_in_the_shop()
    expect(told(first.page)).to_be_visible(timeout=AT_ONCE)


@in_each_look
def test_of_two_takeovers_one_wins_and_the_other_says_so(house: House, people: People, look: Look) -> None:
    first, second, third = signed_in(people, look), look.arrive(people), look.arrive(people)
    for person in (second, third):
        before = house.mails(look.person)
        gives_password(person, look.person)
        person.give_code(house.mailed_code(look.person, before))
        asked(person.page)
    choice(second.page, "take_over").click()
    second.is_in_the_shop()
    expect(told(first.page)).to_be_visible(timeout=AT_ONCE)
    before = house.mails(look.person)
    choice(third.page, "take_over").click()
    expect(third.page.locator("main")).to_contain_text(
        look.words("그사이 다른 곳에서 먼저 이어 갔어요", "Somebody else was faster")
    )
    house.forget_attempts()
    third.give_code(house.mailed_code(look.person, before))
    asked(third.page)
    expect(third.page.get_by_role("alert")).to_be_visible()
    look.is_sound(third.page)
    look.picture(third.page, "overtaken", whole=True)
    second.page.reload()
    second.is_in_the_shop()


@in_each_look
def test_where_the_organisation_wants_it_the_new_login_takes_over_unasked(
    house: House, people: People, look: Look
) -> None:
    meanwhile.the_organisation_decides(house, "take_over")
    try:
        first, second = signed_in(people, look), look.arrive(people)
        before = house.mails(look.person)
        gives_password(second, look.person)
        assert told(first.page).count() == 0, "not without the factor"
        second.give_code(house.mailed_code(look.person, before))
        second.is_in_the_shop()
        expect(told(first.page)).to_be_visible(timeout=AT_ONCE)
    finally:
        meanwhile.the_organisation_decides(house, None)


@in_each_look
def test_the_whole_way_without_scripts(house: House, people: People, look: Look) -> None:
    first, second = signed_in(people, look, scripts=False), look.arrive(people, scripts=False)
    for answer in ("keep", "take_over"):
        before = house.mails(look.person)
        gives_password(second, look.person)
        second.give_code("000000")
        expect(second.page.locator("#error-summary")).to_be_visible()
        second.give_code(house.mailed_code(look.person, before))
        asked(second.page)
        choice(second.page, answer).click()
        if answer == "keep":
            expect(second.page.locator("[data-product]")).to_have_count(0)
            first.page.reload()
            first.is_in_the_shop()
            house.forget_attempts()
    second.is_in_the_shop()
    first.page.reload()
    expect(first.page).to_have_url(re.compile(r"/\.munjigi/ended\?"))
    expect(first.page.locator("dl.facts")).to_contain_text("Chrom")
    first.page.locator('a[href^="/.munjigi/not-me"]').click()
    expect(first.page.locator(f'a[href="{house.issuer}/recover"]')).to_be_visible()
    assert first.page.evaluate("document.documentElement.scrollWidth") <= look.width


@in_each_look
def test_this_was_not_me(house: House, people: People, look: Look) -> None:
    """Last: it changes the passwords of two demo people."""
    first, thief, reader = signed_in(people, look), look.arrive(people), look.arrive(people)
    before = house.mails(look.person)
    gives_password(thief, look.person)
    thief.give_code(house.mailed_code(look.person, before))
    choice(thief.page, "take_over").click()
    thief.is_in_the_shop()

    reader.page.goto(link(house, look.person, before, "/not-me"))
    expect(reader.page.locator("main")).to_contain_text("Chrom")
    look.is_sound(reader.page)
    look.picture(reader.page, "not-me", whole=True)
    thief.page.reload()
    thief.is_in_the_shop()  # that a mail scanner opened the link changes nothing
    by_keyboard(reader.page, reader.page.locator("button.danger"))
    expect(reader.page.locator("h1")).to_have_text(look.words("계정을 잠갔어요", "Your account is locked"))
    look.is_sound(reader.page)
    expect(told(thief.page)).to_be_visible(timeout=AT_ONCE)
    thief.open_shop()
    assert thief.page.locator("[data-product]").count() == 0
    expect(first.page).to_have_url(re.compile(r"/\.munjigi/ended\?"))

    reader.page.goto(link(house, look.person, before, "/recover/password"))
    reader.page.locator("#new").fill("seven herons over the bridge")
    look.is_sound(reader.page)
    by_keyboard(reader.page, reader.page.locator("button.primary"))
    expect(reader.page.locator("h1")).to_have_text(look.words("비밀번호를 바꿨어요", "Your password is changed"))
    before = house.mails(look.person)
    first.open_shop()
    first.page.locator("#munjigi-again").or_(first.page.locator("#identifier")).click()
    expect(first.page).to_have_url(house.sign_in_page)
    first.give_password(look.person, "seven herons over the bridge")
    expect(first.page).not_to_have_url(house.sign_in_page)
    if first.is_asked_for_a_mailed_code():
        first.give_code(house.mailed_code(look.person, before))
    first.is_in_the_shop()
