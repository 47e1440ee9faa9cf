"""The page of errors: every code in both languages, from the catalogue that pages and programs are answered from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from pages.catalogue import Catalogue
from pages.help.words import MESSAGES, PARTS, HelpEntry, help_entries
from pages.locale import LOCALES, Locale

_ABOUT = """# Errors

A program is answered as RFC 9457 says: `code` is one of these, `type` the address of its help page, `detail` what to
do, and `correlation_id` finds the exchange in the log and in the audit. A person gets a page with the same code and the
same words, and its help page at `/help/<code>` of the identity provider or `/.munjigi/help/<code>` of the gateway. The
OAuth endpoints answer as RFC 6749 says, with `code` (one for each `error`, `idp/endpoints/oauth_answers.py`) and
`correlation_id` beside it. Codes of sessions and of signing in name situations, which no program meets as an error. The
reasons of a decision are a vocabulary of their own: `policy/reasons.py`. The words stand in `pages/help/words/`.
"""
_PARTS = {"happened": "what happened", "means": "what it means", "do": "what to do", "program": "a program's makers"}


def errors_page(declared_in: Mapping[str, str]) -> str:
    """Every code by room; `declared_in` says in which file a kind of error is declared."""
    parts = [_ABOUT]
    rooms = Catalogue.load(MESSAGES)
    for room, entries in groupby(help_entries().values(), lambda entry: entry.room):
        titles = (rooms.text(f"help_page.room.{room}", locale) for locale in reversed(LOCALES))
        parts.append(f"## {' · '.join(titles)}\n")
        parts += [_entry(entry, declared_in.get(entry.code)) for entry in entries]
    return "\n".join(parts)


def _entry(entry: HelpEntry, path: str | None) -> str:
    title = entry.texts["title"]
    facts = [f"HTTP {entry.status}"] if entry.status else []
    facts += [f"`{path}`"] if path else []
    lines = [f"### {entry.code}", "", f"**{title['en']}** · {title['ko']}", ""]
    lines += [" · ".join(facts), ""] if facts else []
    lines += ["| | English | 한국어 |", "| --- | --- | --- |"]
    for part in (*PARTS[1:], "program"):
        if part in entry.texts:
            lines.append(f"| {_PARTS[part]} | {_cell(entry, part, 'en')} | {_cell(entry, part, 'ko')} |")
    return "\n".join(lines) + "\n"


def _cell(entry: HelpEntry, part: str, locale: Locale) -> str:
    return entry.texts[part][locale].replace("|", "\\|")
