"""nginx and HAProxy: the suite gets through gateways that it was not made for."""

from __future__ import annotations

import asyncio

import pytest

from tests.proxy_suite.controls.haproxy import haproxy
from tests.proxy_suite.controls.nginx import nginx
from tests.proxy_suite.controls.process import found
from tests.proxy_suite.run import ROWS, Result
from tests.proxy_suite.table import tried
from tests.proxy_suite.trial import Outcome

pytestmark = pytest.mark.proof

CONTROLS = {"nginx": nginx, "haproxy": haproxy}
SOUND = (
    "chunks, and a request behind them", "a body, and a request behind it", "every sound framing",
    "three requests at once are answered in their order", "what is within bounds passes",
    "text, ping, pieces and close pass", "plain paths arrive as they are",
    "the origin is told the connection's address", "what is closed is closed", "a POST whose origin dies",
)  # fmt: skip


async def test_they_are_tried_by_every_row() -> None:
    there = [name for name in CONTROLS if found(name)]
    if not there:
        pytest.skip("neither nginx nor HAProxy is installed: apt-get install nginx haproxy")
    for name, results in zip(there, await asyncio.gather(*(tried(CONTROLS[name]) for name in there)), strict=True):
        assert len(results) == sum(len(row.cases) for row in ROWS)
        assert [one for one in results if one.case in SOUND and one.outcome is not Outcome.PASSED] == [], name
        assert _passed(results) > len(results) / 3, name


def _passed(results: list[Result]) -> int:
    return sum(one.outcome is Outcome.PASSED for one in results)
