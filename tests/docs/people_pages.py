"""Makes `docs/people`, a page for each way of signing in, of the words of the help pages: run it to write them."""

from __future__ import annotations

from pages.catalogue import Catalogue
from pages.help.ways import MESSAGES, WAYS, way
from pages.locale import LOCALES, Locale
from tests.docs.test_examples import PROJECT

FOLDER = PROJECT / "docs" / "people"
_LANGUAGE: dict[Locale, str] = {"ko": "한국어", "en": "English"}


def page(name: str) -> str:
    """One page, in both languages."""
    words = Catalogue.load(MESSAGES)
    parts = []
    for locale in LOCALES:
        one = way(name, locale, words)
        steps = "\n".join(f"{place}. {step}" for place, step in enumerate(one.steps, 1))
        said = [f"## {one.title} ({_LANGUAGE[locale]})", one.lead, steps]
        said += [
            f"**{words.text('ways.trouble', locale)}.** {one.trouble}",
            f"**{words.text('ways.lost', locale)}.** {one.lost}",
        ]
        parts.append("\n\n".join(said))
    title = way(name, "en", words).title
    return (
        f"# {title}\n\nPeople find this at `/help/{name}`. Made by `tests/docs/people_pages.py`.\n\n"
        + "\n\n".join(parts)
        + "\n"
    )


def index() -> str:
    """The list of them."""
    words = Catalogue.load(MESSAGES)
    rows = "\n".join(f"- [{way(name, 'en', words).title}]({name}.md) · {way(name, 'ko', words).title}" for name in WAYS)
    return f"# How people sign in\n\nA page for each way, in Korean and English, as the help pages show it.\n\n{rows}\n"


def pages() -> dict[str, str]:
    """Every file with what it is to hold."""
    return {**{f"{name}.md": page(name) for name in WAYS}, "README.md": index()}


if __name__ == "__main__":
    for file, text in pages().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
