"""Every code has its words, and a program is told the same as a person."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.reference import Declared, declared_problems
from idp.endpoints.oauth_answers import ERROR_CODES
from pages.catalogue import CatalogueError
from pages.help import words
from pages.help.words import ROOMS, WORDS, HelpEntry, end_code, help_entries
from pages.locale import LOCALES

DECLARED = declared_problems()
SITUATIONS = ("MJ-SESSION-", "MJ-SIGNIN-")


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.kind.code)
def test_every_kind_of_error_has_the_words_that_programs_get(declared: Declared) -> None:
    kind = declared.kind
    entry = help_entries()[kind.code]
    assert entry.texts["title"]["en"] == kind.title
    assert entry.program("en") == kind.remedy
    assert entry.status == kind.status.value


def test_every_error_of_oauth_has_words() -> None:
    assert [code for code in ERROR_CODES.values() if code not in help_entries()] == []


def test_nothing_has_words_that_does_not_happen() -> None:
    happening = {declared.kind.code for declared in DECLARED} | set(ERROR_CODES.values()) | {"MJ-IDP-029"}
    assert [code for code in help_entries() if code not in happening and not code.startswith(SITUATIONS)] == []


SOURCES = [
    file
    for room in ("idp", "gateway", "pages", "console", "upstreams", "policy")
    for file in (Path(__file__).parents[2] / room).rglob("*")
    if file.suffix in (".py", ".js", ".html") and "__pycache__" not in file.parts
]


def test_every_situation_is_told_by_some_page() -> None:
    """What nobody tells has no words: a code that no page, answer or log gives helps nobody."""
    told = {code for file in SOURCES for code in re.findall(r"MJ-[A-Z]+-[0-9]{3}", file.read_text(encoding="utf-8"))}
    assert [code for code in help_entries() if code.startswith(SITUATIONS) and code not in told] == []


def test_every_file_of_words_is_read() -> None:
    assert sorted(ROOMS) == sorted(file.stem for file in WORDS.glob("*.toml"))


@pytest.mark.parametrize("entry", help_entries().values(), ids=lambda entry: entry.code)
def test_words_are_plain_and_polite(entry: HelpEntry) -> None:
    for part, texts in entry.texts.items():
        for locale in LOCALES:
            text = texts[locale]
            assert text == text.strip()
            assert not re.search(r"\bplease\b|\binvalid\b|\billegal\b|[—–]", text, re.IGNORECASE), text
            assert len(text) <= 200, text
        if part != "title":
            assert texts["en"].endswith("."), texts["en"]
            assert re.search(r"[요다]\.$|\)\.$", texts["ko"]), texts["ko"]
    assert re.search(r"[요?]$|[가-힣]$", entry.texts["title"]["ko"])


@pytest.mark.parametrize(
    "reason",
    [
        "idle",
        "absolute",
        "takeover",
        "administrator",
        "password_change",
        "account_lock",
        "device_removal",
        "response",
        "refresh_reuse",
        "sign_out",
    ],
)
def test_every_end_of_a_session_has_a_code_of_its_own(reason: str) -> None:
    assert end_code(reason) in help_entries()
    assert end_code(reason) != end_code("a reason of tomorrow")


@pytest.mark.parametrize(
    "text",
    [
        "title = { ko = '하나', en = 'one' }",
        "title = { ko = '하나' }\nhappened = {}\nmeans = {}\ndo = {}",
        "title = 'one'\nhappened = 'x'\nmeans = 'x'\ndo = 'x'",
    ],
)
def test_an_entry_that_leaves_something_out_refuses_to_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "web.toml").write_text(f"[MJ-WEB-001]\n{text}\n", encoding="utf-8")
    monkeypatch.setattr(words, "WORDS", tmp_path)
    monkeypatch.setattr(words, "ROOMS", ("web",))
    with pytest.raises(CatalogueError, match="MJ-WEB-001"):
        help_entries.__wrapped__()
