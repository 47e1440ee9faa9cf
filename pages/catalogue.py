"""What pages say, in both languages, written beside the templates that say it.

A `messages.toml` holds one table a message: `[sign_in.title]` with `ko = "…"` and `en = "…"`; `{app}` stands for an
argument. A message that lacks a language, or whose languages take different arguments, refuses to load.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from pages.locale import LOCALES, Locale

Messages = Mapping[str, Mapping[Locale, str]]


class CatalogueError(Exception):
    """A catalogue that cannot be used; names the file and the message."""


class Catalogue:
    """All messages of one service's pages."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    @classmethod
    def load(cls, *files: Path, beside: Messages = MappingProxyType({})) -> Catalogue:
        """Read catalogues, `beside` messages that are read already; none may say again what another said."""
        messages: dict[str, Mapping[Locale, str]] = dict(beside)
        for file in files:
            said = read_messages(file)
            if twice := messages.keys() & said.keys():
                raise CatalogueError(f"{file}: {min(twice)} stands in another catalogue already")
            messages.update(said)
        return cls(messages)

    def text(self, key: str, locale: Locale, **arguments: object) -> str:
        """One message. Raises `KeyError` for one that nobody wrote."""
        return self._messages[key][locale].format_map({name: str(value) for name, value in arguments.items()})

    def section(self, prefix: str, locale: Locale) -> dict[str, str]:
        """All messages under a prefix, unformatted, for a script of the page."""
        start = prefix + "."
        return {key[len(start) :]: texts[locale] for key, texts in self._messages.items() if key.startswith(start)}

    def __contains__(self, key: str) -> bool:
        return key in self._messages


def read_messages(file: Path) -> Messages:
    """The messages of one `messages.toml`."""
    return {key: checked(file, key, texts) for key, texts in _flatten(tomllib.loads(file.read_text(encoding="utf-8")))}


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Mapping[str, object]]]:
    for name, value in table.items():
        if not isinstance(value, dict):
            raise CatalogueError(f"{prefix}{name}: a message is a table with one text per language")
        if all(isinstance(inner, str) for inner in value.values()):
            yield prefix + name, value
        else:
            yield from _flatten(value, f"{prefix}{name}.")


def checked(file: Path, key: str, texts: Mapping[str, object]) -> Mapping[Locale, str]:
    """One message as it is kept. Raises `CatalogueError` where a language is missing or takes other arguments."""
    if set(texts) != set(LOCALES):
        raise CatalogueError(f"{file}: {key} must be said in {' and '.join(LOCALES)}, and in nothing else")
    said = {locale: str(texts[locale]) for locale in LOCALES}
    arguments = {frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name) for text in said.values()}
    if len(arguments) > 1:
        raise CatalogueError(f"{file}: {key} takes different arguments in its languages")
    return said
