"""`docs/reference/assurance.md` says of every method what the code says."""

from __future__ import annotations

import re

from idp.protocol.assurance import ACR_VALUES, METHODS, SATISFIES, methods_of
from tests.docs.test_examples import PROJECT

PAGE = PROJECT / "docs" / "reference" / "assurance.md"
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (yes|no) \| (yes|no) \| (?:yes|no|as there) \|$", re.MULTILINE)


def test_its_table_is_the_mapping() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert [method for method, *_ in rows] == list(METHODS)
    for method, amr, two, three in rows:
        assert (two == "yes") is (method in SATISFIES[2]), method
        assert (three == "yes") is (method in SATISFIES[3]), method
        assert method in methods_of(re.findall(r"`(\w+)`", amr)), method


def test_every_acr_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{acr}` |" in page for acr in ACR_VALUES)
