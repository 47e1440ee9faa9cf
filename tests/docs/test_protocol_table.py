"""The table of the protocol tells of all tests that there are, and of no others."""

from __future__ import annotations

import pytest

from tests.docs.protocol_table import PAGE, TESTS, how_many, page, rows

ROOMS = ("conformance", "clients", "fuzz", "jose", "idp/clients", "idp/endpoints", "idp/federation", "idp/grants",
         "idp/protocol", "idp/signals", "idp/tokens")  # fmt: skip
NAMED = sorted({test for row in rows() for test in row.tests})


@pytest.mark.parametrize("test", NAMED)
def test_what_it_names_has_tests(test: str) -> None:
    assert how_many(TESTS / test) > 0


@pytest.mark.parametrize("room", ROOMS)
def test_every_file_of_these_rooms_is_named(room: str) -> None:
    there = {str(path.relative_to(TESTS)) for path in (TESTS / room).rglob("test_*.py")}
    assert there <= set(NAMED), "name it in tests/docs/protocol.toml"


def test_the_page_is_what_is_made_of_it() -> None:
    assert PAGE.read_text() == page(), "run `python -m tests.docs.protocol_table`"
