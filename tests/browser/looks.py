"""How a page is looked at: its width, its language, light or dark; what must hold of each; and its picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zlib import crc32

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.axe import assert_accessible
from tests.browser.conftest import People, Person
from tests.house import House

Test = TypeVar("Test", bound=Callable[..., None])
SCREENS = "SCREENS"
"""The environment variable that names the folder of the pictures; unset, a run of the tests takes none."""


@dataclass(frozen=True)
class Look:
    """One way to look at every page of a scenario."""

    width: int
    locale: str
    dark: bool
    person: str
    """The demo person who reads this language."""

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{'dark' if self.dark else 'light'}"

    @property
    def language(self) -> str:
        return self.locale[:2]

    def words(self, ko: str, en: str) -> str:
        """What is expected in this language."""
        return ko if self.language == "ko" else en

    def arrive(self, people: People, *, scripts: bool = True) -> Person:
        """Somebody who looks at pages like this."""
        return people.arrive(locale=self.locale, width=self.width, dark=self.dark, scripts=scripts)

    def remembered(self, house: House, people: People) -> Person:
        """The person of this look, in the shop, on a browser that remembers them."""
        person = self.arrive(people)
        person.open_shop()
        person.page.locator("input[type=checkbox][name=remember]").check()
        before = house.mails(self.person)
        person.give_password(self.person, house.password(self.person))
        expect(person.page).not_to_have_url(house.sign_in_page)
        if person.is_asked_for_a_mailed_code():
            person.give_code(house.mailed_code(self.person, before))
        person.is_in_the_shop()
        return person

    def is_sound(self, page: Page) -> None:
        """Nothing for axe-core to find, and nothing to scroll for sideways."""
        assert page.evaluate("document.documentElement.scrollWidth") <= self.width
        assert_accessible(page)

    def picture(self, page: Page, scenario: str, *, whole: bool = False) -> None:
        """Keep what is seen: the window, or the `whole` page; `docs/screens.md` shows these."""
        if folder := os.environ.get(SCREENS):
            page.screenshot(
                path=Path(folder) / f"{scenario}-{self.language}-{self.width}.png",
                full_page=whole,
                animations="disabled",
                scale="css",
            )


NARROW = Look(320, "ko-KR", dark=True, person="mina")
WIDE = Look(1280, "en-GB", dark=False, person="sora")

SWAPPED = (Look(320, "en-GB", dark=False, person="sora"), Look(1280, "ko-KR", dark=True, person="mina"))


def in_each_look(test: Test) -> Test:
    """One of the two looks, by the name of the test, so that each has half of a page's scenarios; all others, each
    language at the other width among them, are a long proof. Pictures are taken in both."""
    looks = (NARROW, WIDE, *SWAPPED)
    usual = (NARROW, WIDE) if os.environ.get(SCREENS) else looks[crc32(test.__name__.encode()) % 2 :][:1]
    marked = [look if look in usual else pytest.param(look, marks=pytest.mark.proof) for look in looks]
    return pytest.mark.parametrize("look", marked, ids=str)(test)


in_each_dress = pytest.mark.parametrize(
    ("width", "theme", "locale"),
    [
        (320, "dark", "ko"),
        (1280, "light", "en"),
        pytest.param(320, "light", "en", marks=pytest.mark.proof),
        pytest.param(1280, "dark", "ko", marks=pytest.mark.proof),
    ],
)
"""The console's pages, which need no person of a language: two dresses, and the others as a long proof."""


def by_keyboard(page: Page, target: Locator) -> None:
    """Get there by the tabulator key and press Enter, as whoever uses no pointer does."""
    for _ in range(25):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === element.getRootNode().activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError("the tabulator key does not lead there")
