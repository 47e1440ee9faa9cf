"""Whoever dies, wherever: money, stock and reservations agree afterwards, here and at the provider."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa

from config.connections import Valkey
from config.settings import Settings
from jose.assertion import HEADER as ASSERTION
from jose.assertion import Subject
from tests.house import PROJECT
from tests.upstreams.payments.paying import PRICE, House
from tests.upstreams.payments.sandbox_process import Sandbox, pay
from upstreams.reservation.storage.tables import payments
from upstreams.trade.payments.driver import LEASE, Driver
from upstreams.trade.payments.provider import Provider
from upstreams.trade.payments.sandbox_keys import FILE, sandbox_keys
from upstreams.trade.payments.webhooks import HEADER, sign


class Killed(BaseException):
    """What no code of ours catches: from here on nothing of this process happens any more."""


class Dying:
    """A provider whose caller dies once, before a call goes out or after it came back."""

    def __init__(self, provider: Provider, call: str, when: Literal["before", "after"]) -> None:
        self._provider = provider
        self._call = call
        self._when = when
        self.died = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._provider, name)
        if name != self._call or self.died:
            return real

        async def dies(*arguments: Any, **more: Any) -> Any:
            self.died = True
            if self._when == "after":
                await real(*arguments, **more)
            raise Killed

        return dies


When = Literal["before", "after"]


async def dying(house: House, call: str, when: When, act: Callable[[Driver], Awaitable[object]]) -> None:
    """Do something with a driver that dies on the way; then the lease it had runs out."""
    driver = replace(house.driver, provider=Dying(house.driver.provider, call, when))

    async def until_it_dies() -> None:
        for _ in range(4):
            await act(driver)

    with pytest.raises(Killed):
        await until_it_dies()
    house.clock.advance(LEASE.total_seconds() + 1)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_dying_around_the_call_that_takes_the_money(house: House, when: When) -> None:
    """Between the COMMIT that says so and the call; after the call and before the COMMIT of what came of it."""
    ident = await house.held(2)
    await house.authorised(ident)
    house.catch_up()
    await dying(house, "capture", when, lambda driver: driver.drive_payment())
    assert await house.state(ident) == "PENDING"
    assert await house.money() == (0, 0)
    await house.driven()
    assert await house.state(ident) == "CONFIRMED"
    assert await house.stock() == (4, 0, 2)
    assert await house.money() == (2 * PRICE, 2 * PRICE)
    await house.agree()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_dying_around_the_call_that_gives_it_back(house: House, when: When) -> None:
    ident = await house.paid(2)
    await house.client.post(f"/reservations/{ident}/cancel", json={})
    house.catch_up()
    await dying(house, "refund", when, lambda driver: driver.drive_refund())
    assert await house.state(ident) == "CANCELLED"
    await house.driven()
    assert await house.state(ident) == "REFUNDED"
    assert await house.money() == (2 * PRICE, 0)
    await house.agree()


async def test_a_zombie_that_comes_back_changes_nothing(house: House) -> None:
    """Its answer comes when another worker has asked and written down what became of it."""
    ident = await house.held()
    await house.authorised(ident)
    house.catch_up()
    await house.driver.drive_payment()
    arrived, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Dying):
        def __getattr__(self, name: str) -> Any:
            real = getattr(self._provider, name)
            if name != "capture":
                return real

            async def slow(*arguments: Any) -> Any:
                answer = await real(*arguments)
                arrived.set()
                await go_on.wait()
                return answer

            return slow

    zombie = asyncio.create_task(
        replace(house.driver, provider=Slow(house.driver.provider, "", "after")).drive_payment()
    )
    async with asyncio.timeout(10):
        await arrived.wait()
    house.clock.advance(LEASE.total_seconds() + 1)
    await house.driven()
    assert await house.state(ident) == "CONFIRMED"
    go_on.set()
    async with asyncio.timeout(10):
        await zombie
    assert await house.money() == (PRICE, PRICE)
    assert await house.mails() == ["reservation_confirmed"]
    await house.agree()


async def webhook(house: House, key: str, event: str, *, secret: bytes | None = None) -> int:
    """The sandbox's webhook, as the gateway lets it through: nobody is signed in."""
    document = {
        "reference": "r",
        "key": key,
        "amount": 1,
        "stage": "captured",
        "code": "",
        "captured": 1,
        "refunds": [],
    }
    body = msgspec.json.encode({"id": event, "type": "payment.changed", "payment": document})
    assertion = house.client.signer.sign(
        "reservation", Subject(), zone="reservation", obligations=(), now=house.clock.timestamp()
    )
    answer = await house.client.http.post(
        "/reservations/payments/webhooks/sandbox",
        content=body,
        headers={ASSERTION: assertion, HEADER: sign(secret or house_secret(house), body, house.clock.now())},
    )
    return answer.status_code


def house_secret(house: House) -> bytes:
    secret: bytes = house.driver.provider._webhook  # type: ignore[attr-defined]
    return secret


async def test_a_webhook_before_our_own_answer(house: House) -> None:
    ident = await house.held()
    begun = await house.authorised(ident)
    house.catch_up()
    await house.driver.drive_payment()
    driver = replace(house.driver, provider=Dying(house.driver.provider, "capture", "after"))
    with pytest.raises(Killed):
        await driver.drive_payment()
    # taken there, not known here; the webhook has us look long before the lease is over
    assert await webhook(house, begun["id"], "event-1") == 200
    house.catch_up()
    house.clock.advance(2)
    assert await house.driver.drive_payment()
    assert await house.state(ident) == "CONFIRMED"
    for _ in range(3):  # the same one again, and another one
        assert await webhook(house, begun["id"], "event-1") == 200
    assert await webhook(house, begun["id"], "event-2") == 200
    await house.driven()
    async with house.database.connect() as tx:
        assert await tx.scalar(sa.select(sa.func.count()).select_from(payments.webhook)) == 2
    assert await house.money() == (PRICE, PRICE)
    await house.agree()


async def test_a_webhook_of_whoever_likes(house: House) -> None:
    ident = await house.held()
    begun = await house.begun(ident)
    assert await webhook(house, begun["id"], "event-1", secret=b"not ours") == 401
    assert await webhook(house, str(UUID(int=1)), "event-2") == 200  # nothing to us
    assert await webhook(house, "nonsense", "event-3") == 200
    assert await webhook(house, begun["id"], "event-4") == 200  # it says captured: we look, and it is not
    house.catch_up()
    await house.driver.drive_payment()
    assert await house.state(ident) == "PENDING"
    assert await house.money() == (0, 0)


async def test_a_person_who_never_comes_back_from_the_page(house: House) -> None:
    """The browser was closed on the provider's page; its webhook has us look."""
    ident = await house.held()
    begun = await house.begun(ident)
    await pay(begun["checkout"]["url"])
    assert await webhook(house, begun["id"], "event-1") == 200
    await house.driven()
    assert await house.state(ident) == "CONFIRMED"
    await house.agree()


@pytest.mark.proof
async def test_kill_9_while_the_provider_is_asked(
    house: House, settings: Settings, sandbox: Sandbox, valkey: Valkey
) -> None:
    """A real worker is killed while the sandbox holds its answer back: it took the money, and nobody here knows."""
    (settings.secrets / FILE).write_bytes((sandbox.settings.secrets / FILE).read_bytes())
    (settings.secrets / FILE).chmod(0o600)
    assert sandbox_keys(settings) == sandbox_keys(sandbox.settings)
    ident = await house.held(2)
    begun = await house.authorised(ident, "4000000000000101")
    worker = subprocess.Popen(  # noqa: ASYNC220 - started once, and only watched
        [sys.executable, "-m", "cli.main", "worker", "payments"],
        cwd=PROJECT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("MUNJIGI_")},
            "MUNJIGI_VAR": str(settings.var),
            "MUNJIGI_DATABASE__URL": str(settings.database.url),
            "MUNJIGI_VALKEY__URL": str(settings.valkey.url),
            "MUNJIGI_PAYMENTS__LISTEN": sandbox.settings.payments.listen,
            "MUNJIGI_PAYMENTS__PATIENCE": "30",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while (there := await house.driver.provider.look(begun["id"], "")) is None or not there.captured:
                assert worker.poll() is None
                await asyncio.sleep(0.05)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    assert await house.state(ident) == "PENDING"
    assert await house.money() == (0, 0)
    house.clock.advance(LEASE.total_seconds() + 60)
    await house.driven()
    assert await house.state(ident) == "CONFIRMED"
    assert await house.money() == (2 * PRICE, 2 * PRICE)
    await house.agree()
