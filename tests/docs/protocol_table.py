"""Makes `docs/reference/protocol.md` of `protocol.toml` and of the tests named there.

By `python -m tests.docs.protocol_table`.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Final

import msgspec

TESTS: Final = Path(__file__).parent.parent
PAGE: Final = TESTS.parent / "docs" / "reference" / "protocol.md"
_HEAD: Final = """# What the OpenID provider does, and the tests that show it

Made by `python -m tests.docs.protocol_table` of `tests/docs/protocol.toml` and of the tests themselves: the number
behind each file is how many test functions it has, many of them with several cases. All of them run in `make test`, so
that a row is as true as the last run was green. The last column says what is missing, plainly.

| what | source | tests | missing |
| --- | --- | --- | --- |
"""


class Row(msgspec.Struct, forbid_unknown_fields=True):
    """One promise."""

    part: str
    source: str
    tests: list[str]
    left: str = ""


def rows() -> list[Row]:
    """What the source names."""
    said = tomllib.loads((Path(__file__).parent / "protocol.toml").read_text())
    return msgspec.convert(said["row"], list[Row])


def page() -> str:
    """The page as it should be."""
    return _HEAD + "".join(f"| {one.part} | {one.source} | {_named(one.tests)} | {one.left} |\n" for one in rows())


def how_many(path: Path) -> int:
    """How many test functions a file has."""
    parsed = ast.parse(path.read_text())
    functions = (node for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return sum(node.name.startswith("test_") for node in functions)


def _named(tests: list[str]) -> str:
    return ", ".join(f"[{Path(one).stem[5:]}](../../tests/{one}) {how_many(TESTS / one)}" for one in tests)


if __name__ == "__main__":
    PAGE.write_text(page())
