"""Several targets: who gets a request, who gets none, and what is sent again. Each fault is a real one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import socket
from collections import Counter
from pathlib import Path

import pytest

from gateway.proxy.breaker import Fault, State
from gateway.proxy.limits import Limits
from gateway.routes.upstream import Bounds, Ejection
from tests.gateway.proxy.rig import Answered, Asked, Client, Origin, Rig, free_port, holds, rigged
from tests.gateway.proxy.targets import (
    GET,
    POST,
    answers_half,
    breaks_off,
    full_backlog,
    kill,
    named,
    pool,
    pooled,
    says_nothing,
    target,
    upstream_of,
    who,
)

QUICK = Ejection(failures=3, rest=0.05, longest=0.2)
LONG = Ejection(failures=3, rest=30.0, longest=30.0)


def code(answer: Answered) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["code"]


async def test_those_who_are_alike_take_turns(folder: Path) -> None:
    async with pooled(folder, 3) as rig:
        client = await rig.client()
        assert await who(client, 9) == ["t0", "t1", "t2"] * 3
        assert [origin.connections for origin in rig.targets] == [1, 1, 1]


async def test_whoever_has_least_to_do_gets_the_next(folder: Path) -> None:
    async with pooled(folder, 2) as rig:
        rig.targets[0].behaviour = says_nothing
        waiting = await rig.client()
        waiting.send(GET)
        await holds(lambda: len(rig.targets[0].asked) == 1)
        client = await rig.client()
        assert await who(client, 6) == ["t1"] * 6
        assert (target(rig, 0).outstanding, target(rig, 1).outstanding) == (1, 0)


async def test_one_that_is_away_costs_nobody_an_answer_whatever_the_method(folder: Path) -> None:
    async with pooled(folder, 2, ejection=LONG) as rig:
        await kill(rig.targets[0])
        client = await rig.client()
        assert await who(client, 10, POST) == ["t1"] * 10
        assert target(rig, 0).state is State.OPEN
        assert target(rig, 0).faults[Fault.CONNECT] == 3
        assert pool(rig).retries == 0  # nothing was sent, so nothing was sent again


async def test_one_that_comes_back_is_found_without_a_request(folder: Path) -> None:
    async with pooled(folder, 2, ejection=QUICK) as rig:
        await kill(rig.targets[0])
        client = await rig.client()
        await who(client, 8)
        assert target(rig, 0).state is not State.CLOSED
        await rig.targets[0].start()
        await holds(lambda: target(rig, 0).state is State.CLOSED)
        assert await who(client, 2) in (["t0", "t1"], ["t1", "t0"])


async def test_with_all_away_it_is_said_at_once_and_when_to_come_back(folder: Path) -> None:
    async with pooled(folder, 2, ejection=Ejection(3, 20.0, 20.0)) as rig:
        for origin in rig.targets:
            await kill(origin)
        client = await rig.client()
        answers = [await client.ask(GET) for _ in range(6)]
        assert {code(answer) for answer in answers} == {(503, "MJ-GATEWAY-131")}
        assert answers[-1].values(b"retry-after") == [b"20"]
        assert sum(origin.connections for origin in rig.targets) == 0


async def test_a_full_backlog_hangs_nobody_for_long(folder: Path) -> None:
    with full_backlog() as full:
        origin = Origin(folder / "t1.sock", named("t1"))
        await origin.start()
        upstream = upstream_of([full, f"unix:{origin.path}"], bounds=Bounds(connect=0.3), ejection=LONG)
        async with rigged(folder, upstream=upstream) as rig:
            client = await rig.client()
            assert await who(client, 10, POST) == ["t1"] * 10
            assert target(rig, 0).state is State.OPEN
        await origin.stop()


async def test_a_full_backlog_alone_is_a_503_after_its_own_time(folder: Path) -> None:
    with full_backlog() as full:
        async with rigged(folder, upstream=upstream_of([full], bounds=Bounds(connect=0.05))) as rig:
            client = await rig.client()
            assert code(await client.ask(GET)) == (503, "MJ-GATEWAY-131")


async def test_a_socket_with_no_room_is_knocked_at_again(folder: Path) -> None:
    """Unlike TCP the system says so at once; the target is there all the same."""
    origin, path = Origin(folder / "t.sock", named("t")), str(folder / "t.sock")
    with contextlib.ExitStack() as opened:
        listening = opened.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(path)
        listening.listen(0)
        refused = 0
        while refused != errno.EAGAIN:
            waiting = opened.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            refused = waiting.connect_ex(path)
        async with rigged(folder, upstream=upstream_of([f"unix:{path}"], ejection=LONG)) as rig:
            clients = [await rig.client() for _ in range(5)]
            for client in clients:
                client.send(GET)
            await holds(lambda: target(rig, 0).dialling == 5)
            await asyncio.sleep(0.01)
            assert (target(rig, 0).dialling, target(rig, 0).faults[Fault.CONNECT]) == (5, 0)
            accepting = await asyncio.start_unix_server(origin._accept, sock=listening.dup())
            assert [(await client.answer()).status for client in clients] == [200] * 5
            assert (target(rig, 0).state, target(rig, 0).faults[Fault.CONNECT]) == (State.CLOSED, 0)
            accepting.close()
            await origin.drop()


async def test_one_that_says_nothing_is_asked_no_more(folder: Path) -> None:
    async with pooled(folder, 2, ejection=LONG, bounds=Bounds(first_byte=0.2)) as rig:
        rig.targets[0].behaviour = says_nothing
        client = await rig.client()
        assert await who(client, 12) == ["t1"] * 12
        assert target(rig, 0).faults[Fault.SILENT] == 3
        assert pool(rig).retries == 3


async def test_a_post_is_never_sent_twice(folder: Path) -> None:
    async with pooled(folder, 2, ejection=LONG, bounds=Bounds(first_byte=0.2)) as rig:
        rig.targets[0].behaviour = says_nothing
        client = await rig.client()
        answers = [await client.ask(POST) for _ in range(2)]
        assert sorted(answer.status for answer in answers) == [200, 504]
        rig.targets[0].behaviour = breaks_off
        answers = [await client.ask(POST) for _ in range(2)]
        assert sorted(answer.status for answer in answers) == [200, 502]
        assert [len(origin.asked) for origin in rig.targets] == [2, 2]


async def test_one_that_breaks_off_is_asked_no_more_and_is_tried_by_a_safe_request(folder: Path) -> None:
    async with pooled(folder, 2, ejection=Ejection(3, 0.05, 0.05)) as rig:
        rig.targets[0].behaviour = breaks_off
        client = await rig.client()
        assert await who(client, 8) == ["t1"] * 8
        assert target(rig, 0).state is State.OPEN
        asked = len(rig.targets[0].asked)
        await holds(lambda: target(rig, 0).breaker.tries(rig.door.watch.now))
        assert await who(client, 4, POST) == ["t1"] * 4  # could not be sent again, so it is no trial
        assert len(rig.targets[0].asked) == asked
        rig.targets[0].behaviour = named("t0")
        assert await who(client, 1) == ["t0"]
        assert target(rig, 0).state is State.CLOSED


async def test_half_an_answer_is_cut_and_not_asked_for_again(folder: Path) -> None:
    async with pooled(folder, 2, ejection=LONG) as rig:
        rig.targets[0].behaviour = answers_half
        client = await rig.client()
        client.send(GET)
        with contextlib.suppress(ConnectionResetError):
            assert not (await client.rest()).endswith(b"0\r\n\r\n")
        assert target(rig, 0).faults[Fault.BROKE_OFF] == 1
        assert pool(rig).retries == 0
        assert len(rig.targets[1].asked) == 0


@pytest.mark.parametrize("status", [b"502 Bad Gateway", b"503 Service Unavailable", b"504 Gateway Timeout"])
async def test_one_that_answers_as_gateways_do_is_asked_no_more(folder: Path, status: bytes) -> None:
    async with pooled(folder, 2, ejection=LONG) as rig:
        rig.targets[0].behaviour = named("t0", status)
        client = await rig.client()
        seen = await who(client, 12)
        assert seen == [status[:3].decode(), "t1"] * 3 + ["t1"] * 6


async def test_an_error_of_its_own_ejects_nobody(folder: Path) -> None:
    async with pooled(folder, 2, ejection=LONG) as rig:
        rig.targets[0].behaviour = named("t0", b"500 Internal Server Error")
        client = await rig.client()
        assert await who(client, 12) == ["500", "t1"] * 6


async def test_answers_never_eject_more_than_half(folder: Path) -> None:
    async with pooled(folder, 3, ejection=LONG) as rig:
        for origin in rig.targets:
            origin.behaviour = named("x", b"503 Service Unavailable")
        client = await rig.client()
        assert await who(client, 30) == ["503"] * 30
        assert sum(found.state is State.OPEN for found in pool(rig).targets) == 1
        for origin in rig.targets:
            origin.behaviour = named("well")
        assert await who(client, 5) == ["well"] * 5


async def test_the_only_one_is_never_ejected_for_its_answers(folder: Path) -> None:
    async with pooled(folder, 1, ejection=LONG) as rig:
        rig.targets[0].behaviour = named("x", b"503 Service Unavailable")
        client = await rig.client()
        await who(client, 9)
        rig.targets[0].behaviour = named("well")
        assert await who(client, 1) == ["well"]
        assert not target(rig, 0).suspect


async def test_a_good_answer_begins_the_count_anew(folder: Path) -> None:
    async with pooled(folder, 2, ejection=LONG) as rig:
        client = await rig.client()
        for _ in range(4):
            rig.targets[0].behaviour = named("x", b"503 Service Unavailable")
            await who(client, 4)
            rig.targets[0].behaviour = named("t0")
            await who(client, 2)
        assert target(rig, 0).state is State.CLOSED


async def killed_in_flight(rig: Rig, clients: int) -> list[Answered]:
    """So many requests are under way at `t0` on connections that carried one before, when it dies."""
    asking = [await rig.client() for _ in range(clients)]
    rig.targets[0].behaviour = rig.targets[1].behaviour = says_later(0.02)
    await asyncio.gather(*(client.ask(GET) for client in asking))
    rig.targets[0].behaviour = says_nothing
    answers = [asyncio.ensure_future(client.ask(GET)) for client in asking]
    await holds(lambda: target(rig, 0).outstanding == clients // 2)
    await kill(rig.targets[0])
    return await asyncio.gather(*answers)


def says_later(seconds: float) -> object:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nlater")

    return behave


async def test_requests_in_flight_at_one_that_dies_are_answered_by_another(folder: Path) -> None:
    async with pooled(folder, 2, ejection=LONG) as rig:
        answers = await killed_in_flight(rig, 16)
        assert [answer.status for answer in answers] == [200] * 16
        assert pool(rig).retries == 8


async def test_repeats_are_bounded(folder: Path) -> None:
    async with pooled(folder, 2, ejection=LONG) as rig:
        pool(rig)._budget.left, pool(rig)._earned_at = 5, float("inf")  # nothing is earned meanwhile
        statuses = Counter(answer.status for answer in await killed_in_flight(rig, 16))
        assert statuses == {200: 13, 502: 3}
        assert (pool(rig).retries, pool(rig).retries_refused) == (5, 3)


async def test_good_answers_earn_repeats(folder: Path) -> None:
    async with pooled(folder, 2) as rig:
        pool(rig)._budget.left = 0
        await who(await rig.client(), 20)
        await holds(lambda: pool(rig)._budget.left >= 4)


async def test_an_exchange_has_a_bound_in_all(folder: Path) -> None:
    async def drips(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")
            await asyncio.sleep(0.005)

    async with pooled(folder, 2, bounds=Bounds(total=0.1)) as rig:
        for origin in rig.targets:
            origin.behaviour = says_nothing
        client = await rig.client()
        assert code(await client.ask(GET)) == (504, "MJ-GATEWAY-135")
        assert sum(len(origin.asked) for origin in rig.targets) == 1
        for origin in rig.targets:
            origin.behaviour = drips
        client.send(GET)
        with contextlib.suppress(ConnectionResetError):
            assert len(await client.rest()) < 2000


async def test_times_are_the_upstreams_own(folder: Path) -> None:
    bounds = Bounds(first_byte=0.05, idle=0.05, connections=1, waiting=1, connect=0.2)
    async with pooled(folder, 1, bounds=bounds, rig={"limits": Limits(first_byte=60, stream_idle=60)}) as rig:
        rig.targets[0].behaviour = says_nothing
        first, second, third = [await rig.client() for _ in range(3)]
        first.send(GET)
        await holds(lambda: target(rig, 0).open == 1)
        second.send(GET)
        await holds(lambda: len(pool(rig).waiting) == 1)
        assert code(await third.ask(GET)) == (503, "MJ-GATEWAY-132")
        assert code(await first.answer()) == (504, "MJ-GATEWAY-135")
        assert code(await second.answer()) == (504, "MJ-GATEWAY-135")


async def test_who_waits_is_served_by_whichever_is_free_first(folder: Path) -> None:
    async with pooled(folder, 2, bounds=Bounds(connections=1)) as rig:
        rig.targets[0].behaviour, rig.targets[1].behaviour = says_nothing, says_later(0.05)
        clients = [await rig.client() for _ in range(5)]
        for client in clients:
            client.send(GET)
        await holds(lambda: len(pool(rig).waiting) == 3)
        answered = await asyncio.gather(*(asyncio.wait_for(client.answer(), 5) for client in clients[1:]))
        assert [answer.body for answer in answered] == [b"later"] * 4


async def test_a_name_is_resolved_as_connections_are_dialled(folder: Path) -> None:
    """`localhost` may lead to `::1` first, where nobody listens: the next address is tried."""
    port = free_port()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with rigged(folder, upstream=upstream_of([f"localhost:{port}"])) as rig:
        assert (await rig.ask(GET)).body == b"ok"
    server.close()


@pytest.mark.parametrize("name", ["nobody.invalid", "a" * 70 + ".invalid"])
async def test_a_name_that_nobody_knows_is_a_503(folder: Path, name: str) -> None:
    async with rigged(folder, upstream=upstream_of([f"{name}:80"])) as rig:
        assert code(await rig.ask(GET)) == (503, "MJ-GATEWAY-131")


async def test_an_old_connection_is_closed_after_its_answer(folder: Path) -> None:
    async with pooled(folder, 1, rig={"limits": Limits(upstream_age=0.05)}) as rig:
        client = await rig.client()
        await who(client, 2)
        assert rig.targets[0].connections == 1
        await holds(lambda: any(connection.worn for connection in target(rig, 0).all))
        await who(client, 1)
        await holds(lambda: rig.targets[0].closed == 1)
        await who(client, 1)
        assert rig.targets[0].connections == 2


async def test_whoever_leaves_while_waiting_takes_nobodys_place(folder: Path) -> None:
    async with pooled(folder, 1, bounds=Bounds(connections=1)) as rig:
        rig.targets[0].behaviour = says_later(0.05)
        first, leaving, last = [await rig.client() for _ in range(3)]
        for number, client in enumerate((first, leaving, last)):
            client.send(GET)
            await holds(lambda number=number: len(rig.heads) == number + 1)
        await leave(leaving)
        await holds(lambda: len(pool(rig).waiting) == 1)
        assert (await last.answer()).body == b"later"
        assert len(rig.targets[0].asked) == 2


async def test_a_repeat_that_waits_is_not_given_the_target_where_it_failed(folder: Path) -> None:
    go_on = asyncio.Event()

    async def first_breaks_off(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asked.line.startswith(b"GET /breaks "):
            writer.transport.abort()
        await named("t0")(asked, reader, writer)

    async def waits(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await named("t1")(asked, reader, writer)

    async with pooled(folder, 2, bounds=Bounds(connections=1)) as rig:
        rig.targets[0].behaviour, rig.targets[1].behaviour = first_breaks_off, waits
        pool(rig)._turn = 1
        busy, repeated, other = [await rig.client() for _ in range(3)]
        busy.send(GET)
        await holds(lambda: len(rig.targets[1].asked) == 1)
        repeated.send(GET.replace(b" / ", b" /breaks "))
        await holds(lambda: len(pool(rig).waiting) == 1)
        assert await who(other, 3) == ["t0"] * 3
        assert len(pool(rig).waiting) == 1
        go_on.set()
        assert (await busy.answer()).body == (await repeated.answer()).body == b"t1"


async def leave(client: Client) -> None:
    client.writer.close()
    await client.writer.wait_closed()
