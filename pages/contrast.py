"""Contrast of two colours (WCAG 2.2, "contrast ratio"), and the grounds on which an accent must be readable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Literal

from pages.assets import OWN

ENOUGH = 4.5
"""For text of normal size (WCAG 2.2, success criterion 1.4.3)."""
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
GROUNDS = ("ground", "surface", "raised")
"""The tokens behind whatever is written or drawn in the accent."""

_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_TOKEN = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-fA-F]{3,6}), (#[0-9a-fA-F]{3,6})\)")


def is_colour(text: str) -> bool:
    """Whether this is `#rgb` or `#rrggbb`."""
    return _COLOUR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(accent: str) -> str:
    """White or black, whichever can be read on the accent; one of them always can."""
    return max(("#ffffff", "#000000"), key=lambda colour: contrast(accent, colour))


@cache
def tokens() -> Mapping[str, Mapping[Theme, str]]:
    """The colours of the one stylesheet, by name."""
    found = _TOKEN.findall((OWN / "munjigi.css").read_text(encoding="utf-8"))
    return {name: {"light": light, "dark": dark} for name, light, dark in found}


def least_contrast(accent: str, theme: Theme) -> float:
    """The contrast of an accent with the worst of its grounds."""
    return min(contrast(accent, tokens()[ground][theme]) for ground in GROUNDS)


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
