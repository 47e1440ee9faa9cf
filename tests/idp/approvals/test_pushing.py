"""Questions go out by push, over real HTTP: encrypted for their browser, in time, and never inside the house."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from sqlalchemy import text

from config.connections import Valkey
from config.outbound import Outbound
from config.settings import Settings
from idp.factors import push_courier
from idp.factors.push_approval import LIFETIME
from idp.factors.push_courier import LEASE, PushCourier
from idp.push_worker import serve
from idp.storage import approval_pushes
from tests.clock import FakeClock
from tests.events.listening import until
from tests.idp.approvals.conftest import Approving
from tests.idp.approvals.devices import ORIGIN, SoftDevice, number
from tests.idp.provider import Provider
from tests.idp.sessions.receiver import Receiver, receiving, saying
from tests.notifications.web_push.browser import PushBrowser


def courier(provider: Provider, outbound: Outbound | None = None) -> PushCourier:
    parts = provider.parts
    return PushCourier(
        pushes=approval_pushes,
        database=parts.database,
        envelope=parts.envelope,
        vapid=parts.vapid,
        outbound=outbound or parts.outbound,
        clock=parts.clock,
    )


async def carry(one: PushCourier) -> int:
    begun = await one.step()
    await one.drain()
    return begun


async def subscribed(approving: Approving, receiver: Receiver) -> PushBrowser:
    """The phone takes pushes at a push service of this test."""
    push = PushBrowser(receiver.address)
    assert await subscribe(approving.phone, push) == 204
    return push


async def subscribe(phone: SoftDevice, push: PushBrowser, **changed: str) -> int:
    """Its push service gave it another address. Returns the status of the answer."""
    said = push.subscription()
    digest = sha256(said.encode()).hexdigest()
    signature = phone.sign("munjigi-approval-subscription", ORIGIN, phone.name, digest)
    form = {"subscription": said, "signature": signature, **changed}
    return (await phone.browser.post("/approvals/subscription", form)).status_code


async def waiting(approving: Approving) -> list[tuple[int, timedelta]]:
    """The pushes that wait: how often each was tried, and when it is due."""
    now = approving.provider.parts.clock.now()
    async with approving.provider.parts.database.connect() as tx:
        rows = await tx.execute(text("SELECT attempts, next_attempt_at FROM idp.approval_push"))
        return [(row.attempts, row.next_attempt_at - now) for row in rows]


async def pushed_to(approving: Approving) -> list[str | None]:
    async with approving.provider.parts.database.connect() as tx:
        return list((await tx.execute(text("SELECT push_host FROM idp.approval_device"))).scalars())


async def test_a_question_reaches_its_browser_and_says_nothing_but_its_id(
    approving: Approving, clock: FakeClock
) -> None:
    async with receiving(saying(201)) as service:
        push = await subscribed(approving, service)
        carrying = courier(approving.provider)
        assert await carry(carrying) == 0
        browser, page = await approving.elsewhere()
        clock.advance(7)
        page = await approving.ask(browser, page)
        assert await carry(carrying) == 1
        question = await approving.question()
        (body,), (headers,) = service.bodies, service.headers
        assert json.loads(push.decrypt(body)) == {"id": question.id, "locale": "ko"}
        assert headers["content-encoding"] == "aes128gcm"
        assert headers["ttl"] == str(int(LIFETIME.total_seconds()))
        assert headers["urgency"] == "high"
        assert headers["topic"] == UUID(question.id).hex
        assert len(headers["topic"]) <= 32
        token = headers["authorization"].removeprefix("vapid t=").partition(",")[0].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(token + "=="))
        assert claims["aud"] == f"http://127.0.0.1:{service.port}"
        assert headers["authorization"].endswith(f"k={approving.provider.parts.vapid.public_key}")
        assert await waiting(approving) == [], "what was taken is gone"
        assert await carry(carrying) == 0

        assert await approving.phone.answer(question, "approve", number(page)) == "approved"


async def test_only_the_devices_key_says_where_its_pushes_go(approving: Approving) -> None:
    phone, push = approving.phone, PushBrowser("https://push.example/theirs")
    assert await subscribe(SoftDevice(phone.browser), push) == 403
    assert await subscribe(phone, push, subscription=PushBrowser("https://push.example/others").subscription()) == 403
    assert await subscribe(phone, push, signature="") == 403
    assert await subscribe(phone, replace(push, endpoint="http://push.example/plain")) == 422
    assert await subscribe(replace(phone, browser=approving.provider.browser()), push) == 403
    assert await pushed_to(approving) == [None]
    assert await subscribe(phone, push) == 204
    assert await pushed_to(approving) == ["push.example"]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_no_more_is_forgotten_and_the_device_stays(
    approving: Approving, status: int
) -> None:
    async with receiving(saying(status)) as service:
        await subscribed(approving, service)
        browser, page = await approving.elsewhere()
        await approving.ask(browser, page)
        assert await carry(courier(approving.provider)) == 1
    assert await pushed_to(approving) == [None]
    assert await waiting(approving) == []
    assert len(await approving.phone.questions()) == 1, "its open page is told all the same"


async def test_a_push_service_that_is_busy_is_asked_when_it_says(approving: Approving, clock: FakeClock) -> None:
    carrying = courier(approving.provider)
    async with receiving(saying(429, **{"Retry-After": "30"})) as service:
        await subscribed(approving, service)
        browser, page = await approving.elsewhere()
        await approving.ask(browser, page)
        assert await carry(carrying) == 1
        assert await waiting(approving) == [(1, timedelta(seconds=30))]
        clock.advance(29.9)
        assert await carry(carrying) == 0
        service.answer = saying(503)
        clock.advance(0.1)
        assert await carry(carrying) == 1
        ((attempts, until_next),) = await waiting(approving)
        assert attempts == 2
        assert timedelta() < until_next <= timedelta(seconds=2)
        clock.advance(2)
        service.answer = saying(201)
        assert await carry(carrying) == 1
        assert len(service.bodies) == 3
        assert int(service.headers[-1]["ttl"]) == 120 - 32, "it lives no longer than its question"
        assert await waiting(approving) == []


async def test_a_push_that_comes_too_late_is_none(approving: Approving, clock: FakeClock) -> None:
    async with receiving(saying(503, **{"Retry-After": "600"})) as service:
        await subscribed(approving, service)
        browser, page = await approving.elsewhere()
        page = await approving.ask(browser, page)
        assert await carry(courier(approving.provider)) == 1
        assert await waiting(approving) == [], "ten minutes are longer than the question lasts"
        await approving.ask(browser, page)
        clock.advance(LIFETIME.total_seconds())
        assert await carry(courier(approving.provider)) == 0
        assert len(service.bodies) == 1
        assert await waiting(approving) == []


async def test_what_is_answered_is_pushed_no_more(approving: Approving) -> None:
    async with receiving(saying(201)) as service:
        await subscribed(approving, service)
        browser, page = await approving.elsewhere()
        page = await approving.ask(browser, page)
        await approving.phone.answer(await approving.question(), "deny")
        assert await carry(courier(approving.provider)) == 0
        assert service.bodies == []


async def test_two_workers_push_each_once_and_one_that_died_is_followed(approving: Approving, clock: FakeClock) -> None:
    async with receiving(saying(201)) as service:
        await subscribed(approving, service)
        browser, page = await approving.elsewhere()
        await approving.ask(browser, page)
        one, other = courier(approving.provider), courier(approving.provider)
        assert sum(await asyncio.gather(carry(one), carry(other))) == 1
        assert len(service.bodies) == 1
        await approving.ask(browser, page)
        parts = approving.provider.parts
        async with parts.database.begin() as tx:  # a worker that claims and is gone
            now = parts.clock.now()
            assert len(await approval_pushes.claim(tx, now, now + LEASE, [], 9)) == 1
        assert await carry(one) == 0
        clock.advance(LEASE.total_seconds())
        assert await carry(one) == 1
        assert len(service.bodies) == 2


async def test_nothing_is_asked_inside_the_house(approving: Approving) -> None:
    """Whoever enrols a device names an address that we ask (CWE-918)."""
    async with receiving(saying(201)) as service:
        await subscribed(approving, service)
        browser, page = await approving.elsewhere()
        await approving.ask(browser, page)
        assert await carry(courier(approving.provider, Outbound())) == 1  # as where the issuer is a public one
        assert service.bodies == []
        ((attempts, _),) = await waiting(approving)
        assert attempts == 1


async def test_a_slow_push_service_holds_up_its_own_alone(
    approving: Approving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_courier, "EACH", 1)
    carrying = courier(approving.provider)
    carrying._under_way["127.0.0.1:1"] = 1
    async with receiving(saying(201)) as service:
        await subscribed(approving, service)
        browser, page = await approving.elsewhere()
        page = await approving.ask(browser, page)
        assert await carry(carrying) == 1
        carrying._under_way[f"127.0.0.1:{service.port}"] = 1
        await approving.ask(browser, page)
        assert await carry(carrying) == 0, "it has one under way"


async def test_the_worker_hears_a_question_at_once(
    approving: Approving, settings: Settings, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving(saying(201)) as service:
        push = await subscribed(approving, service)
        ready, stop = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr("idp.push_worker.POLL", 60.0)
        monkeypatch.setattr("idp.push_worker.SystemClock", lambda: approving.provider.parts.clock)
        working = asyncio.create_task(serve(settings, ready.set, stop))
        await asyncio.wait_for(ready.wait(), 10)
        while not (await valkey.pubsub_numsub("munjigi:approvals:poke"))[0][1]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        browser, page = await approving.elsewhere()
        await approving.ask(browser, page)
        await until(lambda: bool(service.bodies))
        assert json.loads(push.decrypt(service.bodies[0]))["id"] == (await approving.question()).id
        stop.set()
        await asyncio.wait_for(working, 10)
