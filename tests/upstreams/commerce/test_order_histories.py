"""Five hundred buyers of fifty pieces over two processes: linearizable. And processes killed at each step of checkout.

A hold takes its number while the stock row is locked, so holds in the order of their numbers are a serial history. It
is checked against real time: no hold stands before one that ended before it began, and whoever was refused was refused
at a moment at which that many could be gone.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa

from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.services import PaymentSettings
from config.settings import Settings
from jose.assertion import AssertionSigner
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from tests.upstreams.commerce.market import ADDRESS, HONEY, Market, key, lines
from tests.upstreams.conftest import Client, Databases, Someone
from tests.upstreams.payments.sandbox_process import GOOD, Sandbox, pay
from upstreams.commerce import app as commerce_app
from upstreams.commerce import order_worker as worker
from upstreams.commerce.faults import NONE, Faults, Point
from upstreams.commerce.storage.order_tables import payments
from upstreams.commerce.storage.tables import purchase, trade
from upstreams.trade.payments.choosing import provider_of
from upstreams.trade.payments.driver import LEASE
from upstreams.trade.stock import Movement
from upstreams.trade.storage.stock import StoredStock

pytestmark = pytest.mark.proof
PIECES, BUYERS, PROCESSES = 50, 500, 2


@dataclass(frozen=True)
class Asked:
    """One buyer's attempt: when it began and ended (of the machine's one monotonic clock), and what came of it."""

    quantity: int
    began: int
    ended: int
    order: str | None


class Killing(Faults):
    """kill -9 at one point."""

    def __init__(self, wanted: Point) -> None:
        self._wanted = wanted

    async def at(self, point: Point) -> None:
        if point == self._wanted:
            os.kill(os.getpid(), signal.SIGKILL)


async def _client(settings: Settings, http: httpx2.AsyncClient, someone: Someone) -> Client:
    gateway, envelope = open_database(settings, "gateway"), Envelope.load(settings)
    async with gateway.begin() as tx:
        ring = await SigningKeys(envelope).ensure_active(tx, "assertion", SystemClock().now())
    await gateway.dispose()
    return Client(http, "commerce", AssertionSigner(ring), someone, envelope)


async def _shop(settings: Settings, faults: Faults) -> httpx2.AsyncClient:
    database, envelope, clock = open_database(settings, "commerce"), Envelope.load(settings), SystemClock()
    entrance = await Entrance.open("commerce", database, SigningKeys(envelope).assertion_keys, clock)
    app = commerce_app.application(
        database, open_valkey(settings), envelope, clock, SystemEntropy(), provider_of(settings), settings, faults
    )
    transport = httpx2.ASGITransport(app=entrance.around(app))
    return httpx2.AsyncClient(transport=transport, base_url="http://shop.localhost:8080")


async def _buy(settings: Settings, seed: int) -> list[Asked]:
    chance, few = random.Random(seed), asyncio.Semaphore(16)
    http = await _shop(settings, NONE)
    client = await _client(settings, http, Someone.new())

    async def buy() -> Asked:
        quantity, someone = chance.choice((1, 1, 1, 2, 3)), Someone.new()
        body, same = {"lines": [{"offer": str(HONEY), "quantity": quantity}]}, key()
        await asyncio.sleep(chance.random() * 0.05)
        async with few:
            began = time.monotonic_ns()
            while True:  # with the same key, as a client does that gets no answer
                answer = await client.of(someone).post("/api/orders", json=body, headers=same)
                if answer.status_code in (201, 409):
                    break
        order = answer.json()["id"] if answer.status_code == 201 else None
        return Asked(quantity, began, time.monotonic_ns(), order)

    return list(await asyncio.gather(*(buy() for _ in range(BUYERS // PROCESSES))))


def buyers(settings: Settings, seed: int, results: Any) -> None:
    """A process of its own."""
    results.put(asyncio.run(_buy(settings, seed)))


def linearizable(history: list[Asked], numbers: dict[str, int], pieces: int) -> None:
    """Raises `AssertionError` where it is not. Nothing is put back while it goes on, so what is left only falls."""
    done = sorted((one for one in history if one.order), key=lambda one: numbers[str(one.order)])
    latest = 0
    left, began = [pieces], [0]
    for one in done:
        assert one.ended > latest, "a hold stands before one that had ended before it began"
        latest = max(latest, one.began)
        left.append(left[-1] - one.quantity)
        began.append(latest)
    assert left[-1] >= 0, "oversold"
    for one in history:
        if one.order is None:
            gone = next((place for place, count in enumerate(left) if count < one.quantity), None)
            assert gone is not None, "refused, though there were enough to the end"
            assert began[gone] < one.ended, "refused before it could be gone"


def test_the_check_knows_a_history_that_is_not_linearizable() -> None:
    first, second = Asked(1, 0, 10, "a"), Asked(1, 20, 30, "b")
    linearizable([first, second, Asked(1, 25, 40, None)], {"a": 1, "b": 2}, 2)
    with pytest.raises(AssertionError, match="stands before"):
        linearizable([first, second], {"a": 2, "b": 1}, 2)
    with pytest.raises(AssertionError, match="oversold"):
        linearizable([first, second], {"a": 1, "b": 2}, 1)
    with pytest.raises(AssertionError, match="before it could be gone"):
        linearizable([first, second, Asked(1, 11, 19, None)], {"a": 1, "b": 2}, 2)
    with pytest.raises(AssertionError, match="to the end"):
        linearizable([first, Asked(1, 11, 19, None)], {"a": 1}, 2)


async def test_five_hundred_buyers_of_fifty_pieces(market: Market, settings: Settings, database: Databases) -> None:
    stock = StoredStock(trade)
    async with database("commerce").begin() as tx:
        (shelf,) = await stock.lock(tx, ["HONEY-JEJU"])
        move = Movement("adjust", "race", shelf.sku, shelf.warehouse, on_hand=PIECES - shelf.available)
        await stock.move(tx, [move], SystemClock().now())
    context = get_context("spawn")
    results = context.Queue()
    racing = [context.Process(target=buyers, args=(settings, seed, results), daemon=True) for seed in range(PROCESSES)]
    for one in racing:
        one.start()
    history: list[Asked] = []
    for _ in racing:
        history += await asyncio.to_thread(results.get, True, 300)
    for one in racing:
        one.join(10)
    assert len(history) == BUYERS
    movement = trade.stock_movement.c
    async with database("owner").connect() as tx:
        query = sa.select(movement.cause, movement.id).where(movement.kind == "hold", movement.sku == "HONEY-JEJU")
        numbers = {row.cause: row.id for row in await tx.execute(query)}
    assert {str(one.order) for one in history if one.order} == set(numbers)
    linearizable(history, numbers, PIECES)
    left = PIECES - sum(one.quantity for one in history if one.order)
    assert left == 0  # somebody always wants one
    await market.agree()


def act(settings: Settings, point: Point, step: str, someone: UUID, ident: str, same: dict[str, str]) -> None:
    """One step of checkout in a process of its own, which is killed at the point."""
    asyncio.run(_act(settings, Killing(point), step, someone, ident, same))


async def _act(settings: Settings, faults: Faults, step: str, someone: UUID, ident: str, same: dict[str, str]) -> None:
    made = Someone.new()
    subject = type(made.subject)(sid="x" * 22, sub=str(someone), name="", locale="en")
    http = await _shop(settings, faults)
    client = await _client(settings, http, Someone(someone, subject))
    if step == "place":
        await client.post("/api/orders", json={"lines": lines(jar=1, tea=1), "destination": ADDRESS}, headers=same)
    elif step == "begin":
        await client.post(f"/api/orders/{ident}/payments", json={})
    elif step == "back":
        await client.get(f"/orders/{ident}/payments/back")
    elif step == "cancel":
        order, _, part = ident.partition("/")
        await client.post(f"/api/orders/{order}/parts/{part}/cancellations", json={}, headers=same)
    else:
        provider, database = provider_of(settings), open_database(settings, "commerce")
        valkey, envelope, clock = open_valkey(settings), Envelope.load(settings), SystemClock()
        work = worker.build(
            settings, database, valkey, envelope, {provider.name: provider}, clock, SystemEntropy(), faults
        )
        while await work.drive():
            pass


STEPS: dict[Point, str] = {
    "placed": "place",
    "place_committed": "place",
    "begun": "begin",
    "returned": "back",
    "paid": "drive",
    "paid_committed": "drive",
    "cancelled": "cancel",
    "refunded": "refund",
}


@pytest.mark.parametrize("point", STEPS)
async def test_killed_at_each_step_money_stock_and_orders_agree(
    market: Market, settings: Settings, sandbox: Sandbox, point: Point
) -> None:
    # the process that dies knows the same sandbox: its keys lie in its folder
    keys = sandbox.settings.secrets / "payment-sandbox.secret"
    (settings.secrets / keys.name).write_bytes(keys.read_bytes())
    (settings.secrets / keys.name).chmod(0o600)
    listen = PaymentSettings(origin=settings.payments.origin, listen=sandbox.settings.payments.listen)
    settings = settings.model_copy(update={"payments": listen})
    someone = market.client.someone.id

    def killed(step: str, ident: str = "", same: dict[str, str] | None = None) -> None:
        victim = get_context("spawn").Process(target=act, args=(settings, point, step, someone, ident, same or {}))
        victim.start()
        victim.join(120)
        assert victim.exitcode == -signal.SIGKILL

    same, step = {"Idempotency-Key": uuid4().hex}, STEPS[point]
    body = {"lines": lines(jar=1, tea=1), "destination": ADDRESS}
    if step == "place":
        await asyncio.to_thread(killed, step, "", same)
        await market.agree()
    order = (await market.client.post("/api/orders", json=body, headers=same)).json()
    if step == "begin":
        await asyncio.to_thread(killed, step, order["id"])
    begun = (await market.client.post(f"/api/orders/{order['id']}/payments", json={})).json()
    led = await pay(begun["checkout"]["url"], GOOD)
    if step == "back":
        await asyncio.to_thread(killed, step, order["id"])
    await market.client.get(f"/orders/{order['id']}/payments/back", params=led)
    if step == "drive":
        await asyncio.to_thread(killed, step)
        await market.agree()
    # whoever takes over waits until the question of the one that died is nobody's any more
    market.clock.advance(LEASE.total_seconds() + 60)
    await market.driven()
    assert (await market.read(order["id"]))["state"] == "paid"
    await market.agree()
    part, cancelling = order["orders"][0]["id"], key()
    if step == "cancel":
        await asyncio.to_thread(killed, step, f"{order['id']}/{part}", cancelling)
        await market.agree()
    path = f"/api/orders/{order['id']}/parts/{part}/cancellations"
    assert (await market.client.post(path, json={}, headers=cancelling)).status_code == 201
    if step == "refund":
        async with market.database.begin() as tx:  # the process that dies has the machine's clock
            await tx.execute(sa.update(payments.refund).values(next_attempt_at=SystemClock().now()))
        await asyncio.to_thread(killed, step)
        await market.agree()
        market.clock.advance(LEASE.total_seconds() + 60)
    await market.driven()
    await market.agree()
    kept = sum(one["goods"] + one["shipping"] for one in order["orders"] if one["id"] != part)
    balances = await market.balances()
    assert (balances["provider"], balances.get("customers", 0)) == (kept, 0)
    async with market.database.connect() as tx:
        assert await tx.scalar(sa.select(sa.func.count()).select_from(purchase)) == 1
