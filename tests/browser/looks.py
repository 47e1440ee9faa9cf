"""How a page is looked at: its width, its language, light or dark; what must hold of each; and its picture."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from tests.axe import assert_accessible
from tests.browser.conftest import People, Person

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

SWAPPED = [Look(320, "en-GB", dark=False, person="sora"), Look(1280, "ko-KR", dark=True, person="mina")]

in_each_look = pytest.mark.parametrize(
    "look", [NARROW, WIDE, *(pytest.param(look, marks=pytest.mark.proof) for look in SWAPPED)], ids=str
)
"""The two looks, and as a long proof each language at the other width."""


def by_keyboard(page: Page, target: Locator) -> None:
    """Get there by the tabulator key and press Enter, as whoever uses no pointer does."""
    for _ in range(25):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === element.getRootNode().activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError("the tabulator key does not lead there")
