"""Our gateway against every row: nothing fails, and the page says what came of it."""

from __future__ import annotations

from config.settings import Settings
from tests.proxy_suite.origin import Origin
from tests.proxy_suite.ours import OURS, ours
from tests.proxy_suite.run import ROWS, run
from tests.proxy_suite.table import PAGE, Column, kept, page
from tests.proxy_suite.trial import Outcome


async def test_our_gateway_gets_every_row_right(settings: Settings) -> None:
    async with Origin("127.0.0.1", 0) as origin, ours(settings, origin) as (target, hurry):
        results = await run(target, origin, hurry=hurry)
    missed = [one for one in results if one.outcome in (Outcome.FAILED, Outcome.NOT_OFFERED)]
    assert missed == []
    assert kept()[OURS] == Column.of(results), "run `python -m tests.proxy_suite.table`"


def test_every_case_has_a_name_of_its_own() -> None:
    names = [(row.name, case.name) for row in ROWS for case in row.cases]
    assert len(names) == len(set(names))


def test_the_page_is_what_came_of_all_cases() -> None:
    columns = kept()
    there = {row.name: {case.name for case in row.cases} for row in ROWS}
    for column in columns.values():
        assert column.cases == sum(map(len, there.values())), "run `python -m tests.proxy_suite.table`"
        assert all(set(cases) <= there[row] for row, cases in column.others.items())
    assert PAGE.read_text(encoding="utf-8") == page(columns), "run `python -m tests.proxy_suite.table`"
