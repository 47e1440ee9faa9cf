"""The reference is made from the code, and says what the code says now."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable

from cli.reference import FOLDER, ROOMS, declared_problems, reference_pages
from cli.services import PROJECT
from config.connections import Database
from config.sections.engines import Role


async def test_the_pages_are_as_they_would_be_made(database: Callable[[Role], Database]) -> None:
    pages = await reference_pages(database("owner"))
    stale = [name for name, text in pages.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `munjigi reference`"


def test_every_kind_of_error_has_a_code_of_its_own() -> None:
    codes = Counter(declared.kind.code for declared in declared_problems())
    assert [code for code, times in codes.items() if times > 1] == []
    written = defaultdict(set)  # the codes of OAuth's errors too, which are no kinds of their own
    for room in ROOMS:
        for path in (PROJECT / room).rglob("*.py"):
            for code in re.findall(r"\"(MJ-[A-Z]+-\d+)\"", path.read_text(encoding="utf-8")):
                written[code].add(path)
    assert {code: paths for code, paths in written.items() if len(paths) > 1} == {}


def test_no_kind_of_error_is_left_out() -> None:
    """Each is a constant of its module: one that is made elsewhere would not be found, and not be in the reference."""
    made = Counter[str]()
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*.py")):
            calls = (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call))
            times = sum(isinstance(call.func, ast.Name) and call.func.id == "ProblemType" for call in calls)
            made.update({str(path.relative_to(PROJECT)): times} if times else {})
    assert Counter(declared.path for declared in declared_problems()) == made


def test_every_kind_of_error_says_what_to_do() -> None:
    assert [found.path for found in declared_problems() if not (found.kind.title and found.kind.remedy)] == []
