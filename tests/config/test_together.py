"""Work that shares a round is done as if alone: what it sees, what it keeps, what the fault of another does to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from config.connections import Database, Transaction
from config.direct import sharing
from config.runners import MOST
from config.together import Together, ask, keep

Work = Callable[[Transaction], Awaitable[int | None]]


class Register:
    """A table of names and numbers, and what was asked of it at once."""

    def __init__(self) -> None:
        self.looks: list[tuple[str, ...]] = []
        self.writes: list[tuple[str, ...]] = []

    async def number(self, tx: Transaction, name: str, *, alone: bool = False) -> int | None:
        return await ask(tx, self._numbers, name, alone=alone)

    async def put(self, tx: Transaction, name: str, number: int) -> None:
        await keep(tx, self._put, (name, number))

    def copies(self, name: str, to: str, *, alone: bool = False) -> Work:
        """Work that looks one up and keeps its number under another name, negative where there is none."""

        async def work(tx: Transaction) -> int | None:
            number = await self.number(tx, name, alone=alone)
            await self.put(tx, to, -1 if number is None else number)
            return number

        return work

    async def _numbers(self, tx: Transaction, names: Sequence[str]) -> Mapping[str, int]:
        self.looks.append(tuple(names))
        found = await tx.execute(text("SELECT name, number FROM kept WHERE name = ANY(:names)"), {"names": names})
        return {row.name: row.number for row in found}

    async def _put(self, tx: Transaction, items: Sequence[tuple[str, int]]) -> None:
        self.writes.append(tuple(name for name, _ in items))
        for name, number in items:
            await tx.execute(text("INSERT INTO kept VALUES (:name, :number)"), {"name": name, "number": number})


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
async def owner(database) -> AsyncIterator[Database]:
    owner: Database = database("owner")
    async with owner.begin() as tx:
        await tx.execute(text("CREATE TABLE public.kept (name text PRIMARY KEY, number integer CHECK (number > 0))"))
        await tx.execute(text("INSERT INTO kept SELECT 'n' || n, n FROM generate_series(1, 100) AS n"))
    yield owner
    async with owner.begin() as tx:
        await tx.execute(text("DROP TABLE kept"))


@pytest.fixture(params=["begin", "sharing"])
def together(request, owner) -> Together:
    return Together(owner.begin if request.param == "begin" else partial(sharing, owner))


async def kept(owner: Database) -> Mapping[str, int]:
    """What was written besides what was there."""
    async with owner.connect() as tx:
        found = await tx.execute(text("SELECT name, number FROM kept WHERE name NOT LIKE 'n%'"))
        return {row.name: row.number for row in found}


async def test_what_is_alike_is_sent_at_once(together, register, owner) -> None:
    works = [register.copies(f"n{n}", f"x{n}") for n in range(1, 11)]
    assert await asyncio.gather(*map(together.run, works)) == list(range(1, 11))
    assert register.looks == [tuple(f"n{n}" for n in range(1, 11))]
    assert register.writes == [tuple(f"x{n}" for n in range(1, 11))]
    assert await kept(owner) == {f"x{n}": n for n in range(1, 11)}


async def test_in_a_transaction_of_ones_own_it_is_the_same(register, owner) -> None:
    async with owner.begin() as tx:
        assert await register.copies("n7", "x")(tx) == 7
        assert await register.number(tx, "x") == 7
        assert await register.number(tx, "nobody") is None
    assert await kept(owner) == {"x": 7}


async def test_one_that_is_refused_has_written_nothing_and_the_others_have(together, register, owner) -> None:
    async def refused(tx: Transaction) -> int | None:
        await register.copies("n1", "refused")(tx)
        raise LookupError("no")

    works: list[Work] = [register.copies("n2", "a"), refused, register.copies("n3", "b")]
    outcomes = await asyncio.gather(*map(together.run, works), return_exceptions=True)
    assert outcomes[0::2] == [2, 3]
    assert isinstance(outcomes[1], LookupError)
    assert await kept(owner) == {"a": 2, "b": 3}


async def test_a_statement_that_fails_by_one_fails_for_that_one_alone(together, register, owner) -> None:
    works = [register.copies("n2", "a"), register.copies("nobody", "wrong"), register.copies("n3", "b")]
    outcomes = await asyncio.gather(*map(together.run, works), return_exceptions=True)
    assert outcomes[0::2] == [2, 3]
    assert isinstance(outcomes[1], IntegrityError)
    assert await kept(owner) == {"a": 2, "b": 3}


async def test_who_does_more_with_the_transaction_gets_one_of_its_own(together, register, owner) -> None:
    begun = 0

    async def by_hand(tx: Transaction) -> int | None:
        nonlocal begun
        begun += 1
        await register.copies("n1", "x")(tx)
        await tx.execute(text("UPDATE kept SET number = 50 WHERE name = 'x'"))
        return await register.number(tx, "x")

    works: list[Work] = [by_hand, register.copies("n2", "a")]
    assert await asyncio.gather(*map(together.run, works)) == [50, 2]
    assert begun == 2
    assert await kept(owner) == {"x": 50, "a": 2}


@pytest.mark.parametrize("act", ["begin_nested", "scalar", "scalars", "stream", "exec_driver_sql"])
async def test_no_other_way_leads_into_the_shared_transaction(act, together, owner) -> None:
    transactions: list[Transaction] = []

    async def work(tx: Transaction) -> int | None:
        transactions.append(tx)
        if act == "begin_nested":
            await tx.begin_nested()
        else:
            await getattr(tx, act)("SELECT 1" if act == "exec_driver_sql" else text("SELECT 1"))
        return 1

    assert await together.run(work) == 1
    shared, own = transactions
    assert shared is not own


async def test_of_those_who_are_about_to_change_the_same_one_is_first(together, register, owner) -> None:
    async def takes(tx: Transaction, name: str) -> int | None:
        found = await register.number(tx, "n1", alone=True)
        await register.put(tx, name, 1)
        return found

    await asyncio.gather(*(together.run(partial(takes, name=name)) for name in ("a", "b")))
    assert register.looks == [("n1",), ("n1",)]
    assert register.writes == [("a",), ("b",)]


async def test_a_round_has_a_bound(together, register, owner) -> None:
    works = [register.copies("n1", f"x{n}") for n in range(MOST + 1)]
    await asyncio.gather(*map(together.run, works))
    assert sorted(map(len, register.writes)) == [1, MOST]
    assert len(await kept(owner)) == MOST + 1


async def test_what_arrives_meanwhile_is_in_the_next_round(register, owner) -> None:
    together = Together(owner.begin)
    arrived = asyncio.Event()

    async def first(tx: Transaction) -> int | None:
        arrived.set()
        return await register.number(tx, "n1")

    async def later(name: str) -> None:
        await arrived.wait()
        await together.run(register.copies(name, f"x{name}"))

    await asyncio.gather(together.run(first), later("n2"), later("n3"))
    assert register.looks == [("n1",), ("n2", "n3")]


async def test_a_round_that_is_held_up_holds_up_nobody_else(together, register, owner) -> None:
    arrived, released = asyncio.Event(), asyncio.Event()

    async def held_up(tx: Transaction) -> int | None:
        arrived.set()
        await released.wait()
        return await register.number(tx, "n1")

    slow = asyncio.create_task(together.run(held_up))
    await arrived.wait()
    works = [register.copies("n2", "a"), register.copies("n3", "b")]
    assert await asyncio.gather(*map(together.run, works)) == [2, 3]
    assert not slow.done()
    released.set()
    assert await slow == 1


async def test_each_has_its_own_context(together, register, owner) -> None:
    correlation: ContextVar[str] = ContextVar("correlation")

    async def of(name: str) -> str:
        correlation.set(name)

        async def work(tx: Transaction) -> str:
            await register.number(tx, "n1")
            return correlation.get()

        return str(await together.run(work))

    assert await asyncio.gather(of("a"), of("b")) == ["a", "b"]


async def test_whoever_goes_away_stops_nothing(together, register, owner) -> None:
    leaving = asyncio.create_task(together.run(register.copies("n1", "left")))
    staying = asyncio.create_task(together.run(register.copies("n2", "stayed")))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 2
    assert leaving.cancelled() or await asyncio.gather(leaving, return_exceptions=True)
    assert await kept(owner) == {"left": 1, "stayed": 2}


async def test_an_engine_that_is_away_is_so_for_all_and_comes_back(register, owner) -> None:
    away = True

    @asynccontextmanager
    async def begin() -> AsyncIterator[Transaction]:
        if away:
            raise ConnectionRefusedError
        async with owner.begin() as tx:
            yield tx

    together = Together(begin)
    works = [register.copies("n1", "a"), register.copies("n2", "b")]
    outcomes = await asyncio.gather(*map(together.run, works), return_exceptions=True)
    assert [type(one) for one in outcomes] == [ConnectionRefusedError] * 2
    away = False
    assert await asyncio.gather(*map(together.run, works)) == [1, 2]
    assert await kept(owner) == {"a": 1, "b": 2}


async def test_a_transaction_of_ones_own_stands_or_falls_as_a_whole(together, owner) -> None:
    async def by_hand(tx: Transaction) -> int | None:
        await tx.execute(text("INSERT INTO kept VALUES ('x', 1)"))
        raise LookupError("no")

    with pytest.raises(LookupError):
        await together.run(by_hand)
    assert await kept(owner) == {}


async def test_two_statements_stand_or_fall_together_although_each_may_stand_alone(together, owner) -> None:
    async def write(tx: Transaction, names: Sequence[str]) -> None:
        await tx.execute(text("INSERT INTO kept SELECT *, 1 FROM unnest(CAST(:names AS text[]))"), {"names": names})

    async def wrong(tx: Transaction, names: Sequence[str]) -> None:
        await tx.execute(text("INSERT INTO kept SELECT *, -1 FROM unnest(CAST(:names AS text[]))"), {"names": names})

    async def looks(tx: Transaction, names: Sequence[str]) -> Mapping[str, bool]:
        return dict.fromkeys(names, True)

    async def work(tx: Transaction) -> bool | None:
        found = await ask(tx, looks, "n1", holds=False)
        await keep(tx, write, "x", atomic=True)
        await keep(tx, wrong, "y", atomic=True)
        return found

    with pytest.raises(IntegrityError):
        await together.run(work)
    assert await kept(owner) == {}
