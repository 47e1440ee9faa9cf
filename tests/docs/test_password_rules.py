"""Every place and every test that `docs/reference/passwords.md` names exists."""

from __future__ import annotations

import re

import pytest

from tests.docs.test_examples import PROJECT
from tests.docs.test_names import defined

PAGE = PROJECT / "docs" / "reference" / "passwords.md"
NAMED = sorted(set(re.findall(r"`((?:idp|tests)/[a-z_/0-9]+\.py):(\w+)`", PAGE.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[f"{file}:{name}" for file, name in NAMED])
def test_it_exists(file: str, name: str) -> None:
    assert (PROJECT / file).is_file()
    assert defined(PROJECT / file, [name])


def test_each_rule_that_holds_has_a_place_and_a_test() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rules = [row for row in rows if len(row) == 4 and row[0] not in ("| rule", "|---")]
    bare = [row[0] for row in rules if "`" not in row[3]]
    assert bare == ["| a keyed hash besides, its key kept apart (should)"], "what is not done is said"
