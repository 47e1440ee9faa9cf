"""The catalogue of codes, read from `words/`.

An entry is a table named by its code, for example `[MJ-IDP-001]`, with `title`, `happened`, `means` and `do`, each a
table of both languages; `program` is what a program's makers do where that is not what a person does; `status` is the
HTTP status that comes with the code, where one does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pages.catalogue import CatalogueError, Messages, checked
from pages.locale import Locale

WORDS = Path(__file__).parent / "words"
MESSAGES = Path(__file__).parent / "templates" / "messages.toml"
"""What is said around the words, and what each room is called."""
ROOMS = (
    *("session", "signin", "idp", "gateway", "door", "commerce", "reservation", "trade"),
    *("jose", "policy", "identity", "console", "web"),
)
"""The files, in the order in which the index tells them."""
PARTS = ("title", "happened", "means", "do")

_ENDS: Mapping[str, str] = {
    "idle": "MJ-SESSION-001",
    "absolute": "MJ-SESSION-002",
    "takeover": "MJ-SESSION-003",
    "administrator": "MJ-SESSION-004",
    "password_change": "MJ-SESSION-005",
    "account_lock": "MJ-SESSION-006",
    "device_removal": "MJ-SESSION-007",
    "response": "MJ-SESSION-008",
    "refresh_reuse": "MJ-SESSION-009",
    "sign_out": "MJ-SESSION-010",
}


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """One code, and what is said of it."""

    code: str
    room: str
    status: int | None
    texts: Mapping[str, Mapping[Locale, str]]
    """By part: those of `PARTS`, and `program` where it is said."""

    def program(self, locale: Locale) -> str:
        """What the makers of a program do."""
        return self.texts.get("program", self.texts["do"])[locale]


def end_code(reason: str) -> str:
    """The code of the end of a session (`reason` as session events have it); one that is not known has a code too."""
    return _ENDS.get(reason, "MJ-SESSION-011")


@cache
def help_entries() -> Mapping[str, HelpEntry]:
    """Every entry by its code. Raises `CatalogueError` for one that lacks a part or a language."""
    entries: dict[str, HelpEntry] = {}
    for room in ROOMS:
        file = WORDS / f"{room}.toml"
        for code, table in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if code in entries:
                raise CatalogueError(f"{file}: {code} stands in another file already")
            entries[code] = _entry(file, code, table)
    return entries


@cache
def help_messages() -> Messages:
    """The same words as messages of a page: `help.<code>.<part>`."""
    return {
        f"help.{entry.code}.{part}": texts for entry in help_entries().values() for part, texts in entry.texts.items()
    }


def _entry(file: Path, code: str, table: Mapping[str, object]) -> HelpEntry:
    status = table.get("status")
    texts = {part: said for part, said in table.items() if part != "status"}
    if not set(PARTS) <= set(texts) <= {*PARTS, "program"} or not isinstance(status, int | None):
        raise CatalogueError(f"{file}: {code} says {', '.join(PARTS)}, and perhaps program and status")
    said = {}
    for part, languages in texts.items():
        if not isinstance(languages, dict):
            raise CatalogueError(f"{file}: {code}.{part} is a table with one text per language")
        said[part] = checked(file, f"{code}.{part}", languages)
    return HelpEntry(code, file.stem, status, said)
