"""How an organisation's pages look: its name, logo, accent and welcome, over the tokens of the one stylesheet.

A `Look` is checked when it is written, by `checked_look`; whoever shows one only shows it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pages.contrast import ENOUGH, THEMES, is_colour, least_contrast, readable_on
from pages.locale import LOCALES, Locale
from pages.logo import LogoRefused, logo_address

LONGEST_NAME = 40
LONGEST_WELCOME = 160
"""Characters."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How the pages of one organisation look."""

    name: Mapping[str, str]
    """By locale: what stands in the place of the product's name."""
    accent: Mapping[str, str] = {}
    """By theme (`light`, `dark`): `#rrggbb`. Empty: the product's own."""
    logo: str = ""
    """A `data:` address. Empty: the product's own mark."""
    welcome: Mapping[str, str] = {}
    """By locale: one sentence above the sign-in. Empty: none."""

    def css(self) -> str:
        """The tokens that this look sets; empty where it sets none."""
        if not self.accent:
            return ""
        light, dark = self.accent["light"], self.accent["dark"]
        on_light, on_dark = readable_on(light), readable_on(dark)
        return f":root{{--accent:light-dark({light},{dark});--on-accent:light-dark({on_light},{on_dark})}}"


class LookRefused(ValueError):
    """A look that cannot be used; `field` names what is wrong with it, the message says why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


def checked_look(
    *,
    name: Mapping[str, str],
    accent: Mapping[str, str] | None = None,
    logo: bytes | None = None,
    welcome: Mapping[str, str] | None = None,
) -> Look:
    """A look as it may be kept; `logo` is the file. Raises `LookRefused`."""
    accent, welcome = dict(accent or {}), dict(welcome or {})
    _check_texts("name", name, LONGEST_NAME)
    if welcome:
        _check_texts("welcome", welcome, LONGEST_WELCOME)
    if accent:
        _check_accent(accent)
    try:
        address = logo_address(logo) if logo else ""
    except LogoRefused as error:
        raise LookRefused("logo", str(error)) from error
    return Look(name=dict(name), accent=accent, logo=address, welcome=welcome)


def said(texts: Mapping[str, str], locale: Locale) -> str:
    """A text of a look in one language; empty where it says nothing."""
    return texts.get(locale, "")


def _check_texts(field: str, texts: Mapping[str, str], longest: int) -> None:
    if set(texts) != set(LOCALES):
        raise LookRefused(field, f"must be said in {' and '.join(LOCALES)}")
    for text in texts.values():
        if not text.strip() or len(text) > longest or not text.isprintable():
            raise LookRefused(field, f"from 1 to {longest} characters on one line")


def _check_accent(accent: Mapping[str, str]) -> None:
    if set(accent) != set(THEMES):
        raise LookRefused("accent", "needs a colour for light and one for dark")
    for theme in THEMES:
        if not is_colour(accent[theme]):
            raise LookRefused("accent", f"{theme}: a colour is #rrggbb")
        if (found := least_contrast(accent[theme], theme)) < ENOUGH:
            raise LookRefused("accent", f"{theme}: its contrast is {found:.2f}, at least {ENOUGH} can be read")
