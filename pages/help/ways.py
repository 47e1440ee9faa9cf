"""How-tos for people, one for each way of signing in: their words are messages, which `docs/people` is made of, too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pages.catalogue import Catalogue
from pages.locale import Locale

MESSAGES: Final = Path(__file__).parent / "ways" / "messages.toml"
WAYS: Final = ("passkey", "app", "sms", "mail", "link", "push", "recovery")
"""By these names they stand in addresses, beside the codes."""


@dataclass(frozen=True, slots=True)
class Way:
    """One how-to, in one language."""

    name: str
    title: str
    lead: str
    steps: tuple[str, ...]
    trouble: str
    lost: str


def way(name: str, locale: Locale, words: Catalogue) -> Way:
    """One of `WAYS`. Raises `KeyError` for any other."""
    said = {part: words.text(f"ways.{name}.{part}", locale) for part in ("title", "lead", "steps", "trouble", "lost")}
    steps = tuple(said.pop("steps").split("|"))
    return Way(name=name, steps=steps, **said)
