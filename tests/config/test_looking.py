"""Looks that are sent together: what each sees, and what the fault of another does to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
from sqlalchemy import text

from config.connections import Database, Transaction
from config.direct import Statement, looking
from config.looking import Looking
from config.together import ask, keep

_SQUARES = Statement(text("SELECT n, 100 / (n - 7) AS found FROM unnest(CAST(:numbers AS integer[])) AS n"))


class Squares:
    """Something to look for, what was asked of it at once; nobody can look for 7."""

    def __init__(self) -> None:
        self.looks: list[tuple[int, ...]] = []
        self.left = asyncio.Event()
        """A statement is on its way."""

    async def of(self, tx: Transaction, number: int) -> int | None:
        return await ask(tx, self._look, number)

    async def _look(self, tx: Transaction, numbers: Sequence[int]) -> Mapping[int, int]:
        self.looks.append(tuple(numbers))
        self.left.set()
        return {row["n"]: row["found"] for row in await _SQUARES.rows(tx, numbers=numbers)}


@pytest.fixture
def owner(database) -> Database:
    owner: Database = database("owner")
    return owner


@pytest.fixture
def squares() -> Squares:
    return Squares()


async def test_who_looks_at_once_shares_a_statement(owner, squares) -> None:
    look = Looking(partial(looking, owner))
    works = [partial(squares.of, number=number) for number in (1, 2, 2)]
    assert await asyncio.gather(*map(look.run, works)) == [-16, -20, -20]
    assert squares.looks == [(1, 2)]


async def test_nobody_is_told_what_was_found_before_they_asked(owner, squares) -> None:
    """A look that is under way is no answer to whoever comes later: what it saw may have changed since."""
    look = Looking(partial(looking, owner))
    first = asyncio.create_task(look.run(partial(squares.of, number=1)))
    await squares.left.wait()
    assert await look.run(partial(squares.of, number=1)) == -16
    assert squares.looks == [(1,), (1,)]
    assert await first == -16


async def test_what_cannot_be_looked_for_is_the_fault_of_none_but_who_did(owner, squares) -> None:
    look = Looking(partial(looking, owner))
    works = [partial(squares.of, number=number) for number in (1, 7)]
    found, fault = await asyncio.gather(*map(look.run, works), return_exceptions=True)
    assert found == -16
    assert "division by zero" in str(fault)
    assert squares.looks == [(1, 7), (1,), (7,)]


async def test_whoever_writes_or_does_more_has_a_connection_of_their_own(owner, squares) -> None:
    look = Looking(partial(looking, owner))
    kept: list[int] = []

    async def write(tx: Transaction, items: Sequence[int]) -> None:
        kept.extend(items)

    async def keeps(tx: Transaction) -> int | None:
        await keep(tx, write, 5)
        return await squares.of(tx, 1)

    async def does_more(tx: Transaction) -> int | None:
        return int((await tx.execute(text("SELECT 3"))).scalar_one())

    assert await asyncio.gather(look.run(keeps), look.run(does_more)) == [-16, 3]
    assert kept == [5]


async def test_an_engine_that_is_away_is_so_for_all_and_comes_back(owner, squares) -> None:
    away = True

    @asynccontextmanager
    async def begin() -> AsyncIterator[Transaction]:
        if away:
            raise ConnectionRefusedError
        async with looking(owner) as tx:
            yield tx

    look = Looking(begin)
    works = [partial(squares.of, number=number) for number in (1, 2)]
    outcomes = await asyncio.gather(*map(look.run, works), return_exceptions=True)
    assert [type(one) for one in outcomes] == [ConnectionRefusedError] * 2
    away = False
    assert await asyncio.gather(*map(look.run, works)) == [-16, -20]


async def test_whoever_goes_away_takes_nobody_along(owner, squares) -> None:
    look = Looking(partial(looking, owner))
    leaving, staying = (asyncio.create_task(look.run(partial(squares.of, number=1))) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == -16
