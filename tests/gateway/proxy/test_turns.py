"""Who begins in one turn of the event loop, and who waits for the next."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path

from gateway.proxy.turns import _EACH_TURN, REQUEST, TURNED_AWAY, Turns
from tests.gateway.proxy.rig import holds, rigged

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
MOST = _EACH_TURN // REQUEST


class Client:
    """A connection that notes when its turn came."""

    def __init__(self, turns: Turns, begun: list[int], number: int, cost: int = REQUEST) -> None:
        self.turns, self.begun, self.number, self.cost = turns, begun, number, cost

    def take_turn(self, late: bool) -> None:
        self.turns.left += REQUEST - self.cost
        self.begun.append(-self.number if late else self.number)


async def begun_in_turns(cost: int, clients: int) -> list[int]:
    """How many began in each turn; they came first, and begin first."""
    turns, begun = Turns(), list[int]()
    counts = list[int]()
    for number in range(clients):
        turns.wait(Client(turns, begun, number, cost))
    assert turns.waited >= 0
    while len(begun) < clients:
        await asyncio.sleep(0)
        counts.append(len(begun) - sum(counts))
    assert begun == list(range(clients))
    assert turns.waited == 0
    return [count for count in counts if count]


async def test_a_turn_begins_so_many_and_no_more_first_come_first_served() -> None:
    assert await begun_in_turns(REQUEST, 3 * MOST + 1) == [MOST, MOST, MOST, 1]


async def test_those_that_are_turned_away_unread_cost_little() -> None:
    counts = await begun_in_turns(TURNED_AWAY, 2 * _EACH_TURN)
    assert max(counts) <= _EACH_TURN // TURNED_AWAY
    assert counts[0] > 8 * MOST


def queue(waiting: int, cost: int = REQUEST) -> tuple[Turns, list[int], list[float]]:
    """A queue in which so many wait since moment 0; those who began, negative where they were late; and the clock."""
    clock, begun = [0.0], list[int]()
    turns = Turns(lambda: clock[0])
    turns._renewing = True  # the tests say when a turn is
    for number in range(1, waiting + 1):
        turns.wait(Client(turns, begun, number, cost))
    return turns, begun, clock


def test_while_there_is_too_much_to_do_those_who_waited_too_long_are_told() -> None:
    turns, begun, clock = queue(MOST, TURNED_AWAY)
    turns.patience = lambda: 0.5
    clock[0] = 0.25
    for number in range(MOST + 1, 4 * MOST + 1):
        turns.wait(Client(turns, begun, number))
    clock[0] = 0.6
    assert turns.turn()
    told, others = begun[:MOST], begun[MOST:]
    assert told == [-number for number in range(1, MOST + 1)]
    assert others == list(range(MOST + 1, MOST + 1 + len(others)))
    assert len(others) == MOST - MOST * TURNED_AWAY // REQUEST


async def test_however_many_waited_too_long_half_of_a_turn_is_for_the_others() -> None:
    turns, begun = Turns(), list[int]()
    turns.patience = lambda: 0.0
    for number in range(1, 3 * MOST + 1):
        turns.wait(Client(turns, begun, number))
    turns._queue = deque((who, since - 1) for who, since in turns._queue)
    await asyncio.sleep(0)
    assert [number > 0 for number in begun] == [False] * (MOST // 2) + [True] * (MOST // 2)


def test_the_queue_has_room_for_as_many_as_can_be_begun_in_half_the_time() -> None:
    turns, begun, clock = queue(200 * MOST)
    turns.turn()
    assert not turns.full, "there is not too much to do"
    turns, begun, clock = queue(0)
    turns.patience = lambda: 0.5
    for _ in range(25):
        for number in range(MOST):
            turns.wait(Client(turns, begun, number))
        clock[0] += 0.01
        turns.turn()
        assert not turns.full
    assert len(begun) == 25 * MOST
    room = MOST * 25  # a turn each 10 ms, in half of half a second
    for number in range(room - MOST):
        turns.wait(Client(turns, begun, number))
    assert not turns.full
    for number in range(2 * MOST):
        turns.wait(Client(turns, begun, number))
    assert turns.full
    turns.patience = lambda: float("inf")
    turns.turn()
    assert not turns.full, "it is over"


def test_there_is_always_room_for_a_turn() -> None:
    turns, begun, clock = queue(0)
    turns.patience = lambda: 0.5
    for _ in range(5):
        clock[0] += 1.0
        turns.turn()
    for number in range(MOST - 1):
        turns.wait(Client(turns, begun, number))
    assert not turns.full
    turns.wait(Client(turns, begun, 0))
    assert turns.full


async def test_more_clients_than_a_turn_takes_are_all_answered(folder: Path) -> None:
    async with rigged(folder) as rig:
        clients = [await rig.client() for _ in range(2 * MOST + 5)]  # fewer than wait at the door of the origin
        for _ in range(3):
            for client in clients:
                client.send(GET)
            assert [(await client.answer()).status for client in clients] == [200] * len(clients)


async def test_whoever_left_while_waiting_costs_nothing(folder: Path) -> None:
    async with rigged(folder) as rig:
        client, gone = await rig.client(), await rig.client()
        assert (await client.ask(GET)).status == 200
        there = {one for one in rig.door.watch.watched if hasattr(one, "take_turn")}
        await holds(lambda: len(there) == 2)
        rig.door.turns.left = 0
        client.send(GET)
        gone.send(GET)
        gone.writer.transport.abort()
        assert (await client.answer()).status == 200
        assert len(rig.origin.asked) == 2
        assert all(not one._queued for one in there)
