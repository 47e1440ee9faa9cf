"""Which language a person reads: what they chose, what the relying app asks for, what the browser prefers."""

from __future__ import annotations

from typing import Literal

Locale = Literal["ko", "en"]
LOCALES: tuple[Locale, ...] = ("ko", "en")
COOKIE = "mj-locale"
"""Not `munjigi…`: what begins like that is the gateway's own, and no service behind it may set it."""


def choose_locale(
    *, chosen: str | None = None, ui_locales: str | None = None, accept_language: str | None = None
) -> Locale:
    """The first known language among: the person's choice, `ui_locales` (OIDC Core 1.0, section 3.1.2.1), and
    Accept-Language by weight (RFC 9110, section 12.5.4); English where none is known."""
    for tag in (chosen or "", *(ui_locales or "").split()):
        if known := _known(tag):
            return known
    for tag in _by_weight(accept_language or ""):
        if known := _known(tag):
            return known
    return "en"


def _known(tag: str) -> Locale | None:
    primary = tag.replace("_", "-").split("-", 1)[0].lower()
    return next((locale for locale in LOCALES if locale == primary), None)


def _by_weight(header: str) -> list[str]:
    weighted = []
    for position, part in enumerate(header.split(",")[:20]):
        tag, _, parameter = part.strip().partition(";")
        weight = 1.0
        if parameter.strip().startswith("q="):
            try:
                weight = float(parameter.strip()[2:])
            except ValueError:
                continue
        if tag and weight > 0:
            weighted.append((-weight, position, tag))
    return [tag for _, _, tag in sorted(weighted)]
