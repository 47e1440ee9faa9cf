"""Both providers against the sandbox's process: what each promises, whatever goes wrong on the way."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx2
import msgspec
import pytest

from config.clock import SystemClock
from tests.upstreams.payments.sandbox_process import GOOD, IMPATIENCE, Sandbox, pay
from upstreams.trade.money import Money
from upstreams.trade.payments.provider import Heard, Order, Provider, Refused, Stage, Standing, Uncertain, Untrusted
from upstreams.trade.payments.sandbox.toss_api import SCRIPT, WINDOW
from upstreams.trade.payments.sandbox_keys import sandbox_keys
from upstreams.trade.payments.toss import TossPayments
from upstreams.trade.payments.webhooks import HEADER, sign

AMOUNT = Money(70000, "KRW")


@pytest.fixture(params=["sandbox", "toss"])
async def provider(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Provider]:
    made: Provider = sandbox.provider() if request.param == "sandbox" else sandbox.toss()
    yield made
    await made.aclose()


def impatient(sandbox: Sandbox, provider: Provider) -> Provider:
    """The same provider for a call that is not answered."""
    return sandbox.provider(IMPATIENCE) if provider.name == "sandbox" else sandbox.toss(IMPATIENCE)


def order(key: str | None = None, minor: int = AMOUNT.minor) -> Order:
    back = "http://shop.localhost:8080/back"
    return Order(key or str(uuid4()), Money(minor, "KRW"), "도자기 물레 체험", back, f"{back}?failed=1", f"{back}/w")


async def authorised(sandbox: Sandbox, provider: Provider, card: str = GOOD) -> tuple[str, str]:
    """Our key and the provider's, of a payment whose person has typed a card."""
    asked = order()
    checkout = await provider.begin(asked)
    page = checkout.url
    if checkout.script is not None:  # what their script does with these words
        words = {name: str(value) for name, value in checkout.script.items()}
        async with httpx2.AsyncClient(trust_env=False) as browser:
            opened = await browser.get(f"{sandbox.origin}{WINDOW}?{urlencode(words)}")
        page = f"{sandbox.origin}{opened.headers['location']}"
    led = await pay(page, card)
    assert led["at"] == "http://shop.localhost:8080/back"
    assert (led["orderId"], led["amount"]) == (asked.key, "70000")
    return asked.key, led["paymentKey"]


async def looked(provider: Provider, key: str) -> Standing:
    found = await provider.look(key, "")
    assert found is not None
    return found


async def test_money_is_taken_and_given_back_in_parts(sandbox: Sandbox, provider: Provider) -> None:
    assert await provider.look(str(uuid4()), "") is None
    key, reference = await authorised(sandbox, provider)
    assert (await looked(provider, key)).stage is Stage.AUTHORISED
    with pytest.raises(Refused):
        await provider.capture(key, reference, Money(69999, "KRW"))
    taken = await provider.capture(key, reference, AMOUNT)
    assert (taken.stage, taken.captured, taken.reference) == (Stage.CAPTURED, 70000, reference)
    first, second = str(uuid4()), str(uuid4())
    for _ in range(2):  # the same key is one refund
        given = await provider.refund(key, reference, Money(20000, "KRW"), refund=first, reason="비가 와서")
    assert [(one.key, one.amount, one.stage) for one in given.refunds] == [(first, 20000, "succeeded")]
    with pytest.raises(Refused):
        await provider.refund(key, reference, Money(50001, "KRW"), refund=second, reason="")
    await provider.refund(key, reference, Money(50000, "KRW"), refund=str(uuid4()), reason="x" * 500)
    standing = await looked(provider, key)
    assert standing.stage is Stage.CAPTURED
    assert standing.captured == 70000
    assert sum(one.amount for one in standing.refunds) == 70000
    assert standing.refund(first) is not None
    assert standing.refund(second) is None


async def test_what_is_taken_twice_is_taken_once(sandbox: Sandbox, provider: Provider) -> None:
    key, reference = await authorised(sandbox, provider)
    await provider.capture(key, reference, AMOUNT)
    try:
        again = await provider.capture(key, reference, AMOUNT)
    except Uncertain:  # it says that it did so before, and is asked
        again = await looked(provider, key)
    assert again.captured == 70000


async def test_a_bank_that_says_no_when_the_money_is_taken(sandbox: Sandbox, provider: Provider) -> None:
    key, reference = await authorised(sandbox, provider, "4000000000000341")
    with pytest.raises(Refused):
        await provider.capture(key, reference, AMOUNT)
    assert (await looked(provider, key)).stage is Stage.AUTHORISED


async def test_what_was_authorised_is_let_go_of(sandbox: Sandbox, provider: Provider) -> None:
    key, reference = await authorised(sandbox, provider)
    for known in (reference, ""):  # by either key, and twice
        standing = await provider.void(key, known)
        assert standing is not None
        assert (standing.stage, standing.captured) == (Stage.FAILED, 0) or provider.name == "toss"
    if provider.name == "sandbox":  # of Toss nothing is charged that was not confirmed
        with pytest.raises(Refused):
            await provider.capture(key, reference, AMOUNT)
    assert (await looked(provider, key)).captured == 0
    key, reference = await authorised(sandbox, provider)
    await provider.capture(key, reference, AMOUNT)
    taken = await provider.void(key, reference)
    assert taken is not None
    assert (taken.stage, taken.captured, taken.refunds) == (Stage.CAPTURED, 70000, ())  # what was taken is not touched
    assert await provider.void(str(uuid4()), "") is None


async def test_nobody_authorises_what_was_let_go_of(sandbox: Sandbox) -> None:
    provider, asked = sandbox.provider(), order()
    page = (await provider.begin(asked)).url
    await provider.void(asked.key, "")
    async with httpx2.AsyncClient(trust_env=False) as browser:
        assert (await browser.post(page, data={"card": GOOD})).status_code == 409
    await provider.aclose()


@pytest.mark.parametrize(
    ("card", "done"), [("4000000000000101", True), ("4000000000000119", True), ("4000000000000127", False)]
)
async def test_no_answer_is_an_unknown_outcome(sandbox: Sandbox, provider: Provider, card: str, done: bool) -> None:
    key, reference = await authorised(sandbox, provider, card)
    quick = impatient(sandbox, provider)
    with pytest.raises(Uncertain):
        await quick.capture(key, reference, AMOUNT)
    await quick.aclose()
    assert (await looked(provider, key)).stage is (Stage.CAPTURED if done else Stage.AUTHORISED)
    if not done:
        assert (await provider.capture(key, reference, AMOUNT)).captured == 70000


@pytest.mark.parametrize(
    ("card", "done"), [("4000000000000200", True), ("4000000000000218", True), ("4000000000000226", False)]
)
async def test_a_refund_without_an_answer_is_found_by_our_key(
    sandbox: Sandbox, provider: Provider, card: str, done: bool
) -> None:
    key, reference = await authorised(sandbox, provider, card)
    await provider.capture(key, reference, AMOUNT)
    ours, quick = str(uuid4()), impatient(sandbox, provider)
    with pytest.raises(Uncertain):
        await quick.refund(key, reference, Money(100, "KRW"), refund=ours, reason="")
    await quick.aclose()
    assert ((await looked(provider, key)).refund(ours) is not None) is done
    if not done:
        given = await provider.refund(key, reference, Money(100, "KRW"), refund=ours, reason="")
        assert given.refund(ours) is not None


async def test_declined_on_the_page(sandbox: Sandbox) -> None:
    provider = sandbox.provider()
    for card, code in (("4000000000000002", "card_declined"), ("4000000000009995", "insufficient_funds")):
        asked = order()
        led = await pay((await provider.begin(asked)).url, card)
        assert (led["failed"], led["code"], led["orderId"]) == ("1", code, asked.key)
        assert (await looked(provider, asked.key)).stage is Stage.FAILED
    asked = order()
    page = (await provider.begin(asked)).url
    assert (await provider.begin(asked)).url == page
    with pytest.raises(Refused):
        await provider.begin(order(asked.key, 1))
    async with httpx2.AsyncClient(trust_env=False) as browser:
        wrong = await browser.post(page, data={"card": "4111 1111 1111 1111"}, headers={"Accept-Language": "en"})
        assert wrong.status_code == 422
        assert "none of the test cards" in wrong.text
        elsewhere = await browser.post(page, data={"card": GOOD}, headers={"Sec-Fetch-Site": "cross-site"})
        assert elsewhere.status_code == 403
        assert (await browser.get(page, headers={"Host": "evil.example"})).status_code == 400
    assert (await pay(page, act="leave"))["code"] == "left_by_person"
    await provider.aclose()


async def test_a_key_that_is_not_ours_says_nothing_of_the_payment(sandbox: Sandbox) -> None:
    for stranger in (
        sandbox.provider().__class__(sandbox.origin, sandbox_keys(another_house(sandbox)), 1.0),
        TossPayments(sandbox.origin, "test_ck", "wrong", 1.0, f"{sandbox.origin}{SCRIPT}"),
    ):
        with pytest.raises(Uncertain):
            await stranger.look("x" * 8, "")
        await stranger.aclose()


def another_house(sandbox: Sandbox) -> Any:
    """Settings of a house of its own, with other secrets."""
    return sandbox.settings.model_copy(update={"var": sandbox.settings.var / "other"})


async def test_what_webhooks_say(sandbox: Sandbox) -> None:
    provider, toss, now = sandbox.provider(), sandbox.toss(), SystemClock().now()
    key, _ = await authorised(sandbox, provider)
    document = {"reference": "r", "key": key, "amount": 1, "stage": "captured", "code": "", "captured": 1}
    body = msgspec.json.encode({"id": "event-1", "type": "payment.changed", "payment": {**document, "refunds": []}})
    good = {HEADER: sign(sandbox_keys(sandbox.settings).webhook, body, now)}
    assert provider.hears(good, body, now) == Heard("event-1", key)
    for headers in ({}, {HEADER: sign(b"other", body, now)}):
        with pytest.raises(Untrusted):
            provider.hears(headers, body, now)
    changed = {"eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2022-05-12T00:00:00.000"}
    told = msgspec.json.encode({**changed, "data": {"paymentKey": "p", "status": "DONE", "orderId": key}})
    heard = toss.hears({"tosspayments-webhook-transmission-id": "t-1"}, told, now)
    assert heard == Heard("t-1", key)
    assert toss.hears({}, b'{"eventType": "payout.changed"}', now) is None
    assert toss.hears({}, b"nonsense", now) is None
    await provider.aclose()
    await toss.aclose()


async def test_the_api_of_toss_as_it_is_documented(sandbox: Sandbox) -> None:
    """What its callers can see of it: Basic authentication, the codes, and what an idempotency key does."""
    toss = sandbox.toss()
    key, reference = await authorised(sandbox, toss)
    shown = base64.b64encode(f"{sandbox_keys(sandbox.settings).api}:".encode()).decode()
    async with httpx2.AsyncClient(base_url=sandbox.origin, trust_env=False) as http:
        confirm = {"paymentKey": reference, "orderId": key, "amount": 70000}
        assert (await http.post("/v1/payments/confirm", json=confirm)).json()["code"] == "UNAUTHORIZED_KEY"
        http.headers["Authorization"] = f"Basic {shown}"
        confirmed = await http.post("/v1/payments/confirm", json=confirm)
        assert confirmed.json()["status"] == "DONE"
        assert (await http.post("/v1/payments/confirm", json=confirm)).json()["code"] == "ALREADY_PROCESSED_PAYMENT"
        cancel = {"cancelReason": "고객 변심", "cancelAmount": 1000}
        for _ in range(2):
            part = await http.post(
                f"/v1/payments/{reference}/cancel", json=cancel, headers={"Idempotency-Key": "once-1"}
            )
            assert (part.json()["status"], part.json()["balanceAmount"]) == ("PARTIAL_CANCELED", 69000)
        whole = await http.post(f"/v1/payments/{reference}/cancel", json={"cancelReason": "전부"})
        assert (whole.json()["status"], whole.json()["balanceAmount"]) == ("CANCELED", 0)
        again = await http.post(f"/v1/payments/{reference}/cancel", json={"cancelReason": "또"})
        assert (again.status_code, again.json()["code"]) == (400, "ALREADY_CANCELED_PAYMENT")
        assert (await http.get(f"/v1/payments/{reference}")).json()["orderId"] == key
        assert (await http.get("/v1/payments/orders/nobody-knows")).json()["code"] == "NOT_FOUND_PAYMENT"
    await toss.aclose()


async def test_the_books_outlive_the_process(sandbox: Sandbox) -> None:
    provider = sandbox.provider()
    key, reference = await authorised(sandbox, provider)
    await provider.capture(key, reference, AMOUNT)
    await provider.refund(key, reference, Money(1, "KRW"), refund="refund-1", reason="")
    before = await looked(provider, key)
    sandbox.kill()
    with pytest.raises(Uncertain):
        await provider.look(key, "")
    with (sandbox.settings.var / "payment-sandbox.jsonl").open("ab") as books:
        books.write(b'{"entry": "capt')  # a line that the crash cut off
    sandbox.start()
    assert await looked(provider, key) == before
    await provider.refund(key, reference, Money(2, "KRW"), refund="refund-2", reason="")
    assert len((await looked(provider, key)).refunds) == 2
    await provider.aclose()
