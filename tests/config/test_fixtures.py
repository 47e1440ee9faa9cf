"""The fixtures themselves: what a test writes, no other test sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from config.connections import Database, Valkey
from config.sections.engines import Role


@pytest.mark.parametrize("turn", [1, 2, 3])
async def test_a_test_has_its_own_engines(turn: int, database: Callable[[Role], Database], valkey: Valkey) -> None:
    async with database("owner").begin() as tx:
        await tx.execute(text("CREATE TABLE idp.trace (turn int)"))
    async with database("idp").begin() as tx:
        assert await tx.scalar(text("SELECT current_user")) == "munjigi_idp"
        assert await tx.scalar(text("SELECT count(*) FROM idp.trace")) == 0
    assert await valkey.incr("trace") == 1
