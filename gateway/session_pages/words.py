"""What the page script says, as data: its own words, and those of the catalogue of codes for every end of a session."""

from __future__ import annotations

from typing import Any

from pages.catalogue import Catalogue
from pages.help.words import end_code
from pages.locale import Locale

_ENDS = (
    "idle", "absolute", "takeover", "administrator", "password_change", "account_lock", "device_removal", "response",
    "refresh_reuse", "sign_out",
)  # fmt: skip

_TITLES = {"warning_title": "MJ-SESSION-020", "back_title": "MJ-SESSION-024", "attempt_title": "MJ-SESSION-026"}


def script_words(catalogue: Catalogue, locale: Locale) -> dict[str, Any]:
    """`texts` by their names; `ends` by the reason of an end, where an empty one stands for any other."""
    named = {name: catalogue.text(f"help.{code}.title", locale) for name, code in _TITLES.items()}
    # the page of an ended session says it in the same words
    shared = {"remembered": catalogue.text("told.remembered", locale)}
    return {
        "texts": catalogue.section("script", locale) | named | shared,
        "ends": {reason: _end(catalogue, locale, end_code(reason)) for reason in (*_ENDS, "")},
    }


def _end(catalogue: Catalogue, locale: Locale, code: str) -> dict[str, str]:
    said = {part: catalogue.text(f"help.{code}.{part}", locale) for part in ("title", "means")}
    return {"code": code, **said}
