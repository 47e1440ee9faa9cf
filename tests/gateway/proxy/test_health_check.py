"""Active checks: beside the way, on connections of their own; they take a target out and bring it back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.proxy.breaker import Fault, State
from gateway.routes.upstream import Bounds, Check, Ejection
from tests.gateway.proxy.rig import Asked, Behaviour, Rig, holds
from tests.gateway.proxy.targets import (
    GET,
    answers_half,
    breaks_off,
    kill,
    named,
    pooled,
    says_nothing,
    target,
    who,
)

CHECK = Check("/healthy?deep=1", interval=0.02, timeout=0.2, status=204, failures=2)


def checked(behaviour: Behaviour, well: Behaviour) -> Behaviour:
    """Answers checks by `well`, everything else by `behaviour`."""

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        check = asked.line == b"GET /healthy?deep=1 HTTP/1.1"
        await (well if check else behaviour)(asked, reader, writer)

    return behave


async def well(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")


def all_well(rig: Rig) -> None:
    for number, origin in enumerate(rig.targets):
        origin.behaviour = checked(named(f"t{number}"), well)


async def test_a_check_is_an_honest_request_on_a_connection_of_its_own(folder: Path) -> None:
    async with pooled(folder, 1, check=CHECK) as rig:
        all_well(rig)
        await holds(lambda: len(rig.targets[0].asked) >= 2)
        asked = rig.targets[0].asked[0]
        assert asked.line == b"GET /healthy?deep=1 HTTP/1.1"
        assert asked.values(b"host") == [b"localhost"]
        assert asked.values(b"connection") == [b"close"]
        assert rig.targets[0].connections >= 2
        assert target(rig, 0).all == set()


async def test_one_that_is_not_well_gets_no_requests_until_it_is(folder: Path) -> None:
    async with pooled(folder, 2, check=CHECK) as rig:
        all_well(rig)
        client = await rig.client()
        assert await who(client, 4) == ["t0", "t1", "t0", "t1"]
        for ill in (says_nothing, breaks_off, answers_half, named("no", b"200 OK"), named("no", b"500 No")):
            rig.targets[0].behaviour = checked(named("t0"), ill)
            await holds(lambda: target(rig, 0).state is State.OPEN)
            assert await who(client, 4) == ["t1"] * 4
            assert target(rig, 0).idle == []
            all_well(rig)
            await holds(lambda: target(rig, 0).state is State.CLOSED)
            assert "t0" in await who(client, 2)
        assert target(rig, 0).faults[Fault.CHECK] >= 10


async def test_one_failure_is_none(folder: Path) -> None:
    async with pooled(folder, 1, check=CHECK) as rig:
        failing = True

        async def every_other(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal failing
            failing = not failing
            await (breaks_off if failing else well)(asked, reader, writer)

        rig.targets[0].behaviour = every_other
        await holds(lambda: target(rig, 0).faults[Fault.CHECK] >= 4)
        assert target(rig, 0).ejections == 0


async def test_checks_may_eject_all_of_them(folder: Path) -> None:
    async with pooled(folder, 2, check=CHECK) as rig:
        for origin in rig.targets:
            origin.behaviour = checked(named("x"), breaks_off)
        await holds(lambda: all(found.state is State.OPEN for found in rig.pool.targets))
        answer = await rig.ask(GET)
        assert (answer.status, answer.values(b"retry-after")) == (503, [b"3"])
        all_well(rig)
        await holds(lambda: all(found.state is State.CLOSED for found in rig.pool.targets))
        assert (await rig.ask(GET)).status == 200


async def test_one_that_refuses_comes_back(folder: Path) -> None:
    async with pooled(folder, 2, check=CHECK, ejection=Ejection(3, 30.0, 30.0)) as rig:
        all_well(rig)
        client = await rig.client()
        await kill(rig.targets[0])
        await holds(lambda: target(rig, 0).state is State.OPEN)
        assert await who(client, 6) == ["t1"] * 6
        await rig.targets[0].start()
        await holds(lambda: target(rig, 0).state is State.CLOSED)
        assert "t0" in await who(client, 2)


async def test_a_good_check_cuts_no_rest_short(folder: Path) -> None:
    async with pooled(folder, 2, check=CHECK, ejection=Ejection(3, 30.0, 30.0)) as rig:
        all_well(rig)
        rig.targets[0].behaviour = checked(breaks_off, well)
        client = await rig.client()
        await who(client, 8)
        assert target(rig, 0).state is State.OPEN
        asked = len(rig.targets[0].asked)
        await holds(lambda: len(rig.targets[0].asked) >= asked + 3)
        assert target(rig, 0).state is State.OPEN


async def test_who_waits_is_told_when_the_last_one_goes(folder: Path) -> None:
    """A full pool whose only target is found ill: those who wait do not wait for nothing."""
    async with pooled(folder, 1, check=CHECK, bounds=Bounds(connections=1, connect=5)) as rig:
        rig.targets[0].behaviour = checked(says_nothing, well)
        first, second = await rig.client(), await rig.client()
        first.send(GET)
        await holds(lambda: target(rig, 0).open == 1)
        second.send(GET)
        await holds(lambda: len(rig.pool.waiting) == 1)
        rig.targets[0].behaviour = checked(says_nothing, breaks_off)
        await holds(lambda: target(rig, 0).down)
        first.writer.close()
        assert (await asyncio.wait_for(second.answer(), 2)).status == 503


async def test_a_connection_to_one_that_is_ill_is_not_kept(folder: Path) -> None:
    go_on = asyncio.Event()

    async def waits(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await named("t0")(asked, reader, writer)

    async with pooled(folder, 1, check=CHECK) as rig:
        rig.targets[0].behaviour = checked(waits, well)
        client = await rig.client()
        client.send(GET)
        await holds(lambda: target(rig, 0).outstanding == 1)
        rig.targets[0].behaviour = checked(waits, breaks_off)
        await holds(lambda: target(rig, 0).down)
        go_on.set()
        assert (await client.answer()).body == b"t0"
        assert target(rig, 0).idle == []
        assert (await client.ask(GET)).status == 503
