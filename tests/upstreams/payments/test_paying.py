"""Confirming with a payment: what becomes of a reservation, whatever becomes of its payment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.upstreams.conftest import Someone
from tests.upstreams.payments.paying import NIGHT, PRICE, House
from tests.upstreams.payments.sandbox_process import GOOD, SILENT, pay
from upstreams.reservation.storage.tables import payments
from upstreams.trade.payments.books import MoreThanWasPaid
from upstreams.trade.payments.provider import Stage


async def test_a_reservation_is_confirmed_by_its_payment(house: House) -> None:
    ident = await house.held(2)
    refused = await house.client.post(f"/reservations/{ident}/confirm", json={})
    assert refused.json()["code"] == "MJ-RSV-032"
    begun = await house.begun(ident)
    assert (begun["amount"], begun["currency"], begun["provider"]) == (2 * PRICE, "KRW", "sandbox")
    assert (await house.begun(ident))["id"] == begun["id"]  # asked again, it is the same payment
    led = await pay(begun["checkout"]["url"])
    await house.client.get(f"/reservations/{ident}/payments/back", params=led)
    await house.driven()
    assert await house.history(ident) == ["CONFIRMED"]
    assert await house.stock() == (4, 0, 2)
    assert await house.money() == (2 * PRICE, 2 * PRICE)
    standing = (await house.client.get(f"/reservations/{ident}/payments")).json()
    assert (standing["due"], standing["payment"]["state"], standing["payment"]["captured"]) == (
        2 * PRICE,
        "captured",
        2 * PRICE,
    )
    assert await house.told(ident) == ["held", "confirmed"]
    assert await house.mails() == ["reservation_confirmed"]
    assert (await house.client.post(f"/reservations/{ident}/payments", json={})).json()["code"] == "MJ-RSV-006"
    await house.agree()


async def test_who_may_pay_for_what(house: House) -> None:
    ident = await house.held(1)
    stranger = house.client.of(Someone.new())
    for method, path in (("POST", ""), ("GET", ""), ("GET", "/back")):
        answer = await stranger.request(method, f"/reservations/{ident}/payments{path}", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "MJ-RSV-003")
    walk = await house.held(1, "SLOT-FOREST")
    assert (await house.client.post(f"/reservations/{walk}/payments", json={})).json()["code"] == "MJ-RSV-031"
    assert (await house.client.post(f"/reservations/{walk}/confirm", json={})).json()["state"] == "CONFIRMED"
    # coming back without having paid changes nothing, whatever the address says
    await house.begun(ident)
    await house.client.get(f"/reservations/{ident}/payments/back", params={"paymentKey": "../forged?", "amount": "1"})
    house.catch_up()
    await house.driver.drive()
    assert await house.state(ident) == "PENDING"


async def test_a_bank_that_refuses_releases_what_was_held(house: House) -> None:
    ident = await house.held(3)
    await house.authorised(ident, "4000000000000341")
    await house.driven()
    assert await house.history(ident) == ["RELEASED"]
    assert await house.stock() == (4, 0, 0)
    assert await house.money() == (0, 0)
    assert await house.told(ident) == ["held", "released", "payment.failed"]
    assert await house.mails() == ["reservation_not_paid"]
    await house.agree()


async def test_a_card_that_is_declined_on_the_page_can_be_followed_by_another(house: House) -> None:
    ident = await house.held()
    begun = await house.begun(ident)
    led = await pay(begun["checkout"]["url"], "4000000000000002")
    await house.client.get(f"/reservations/{ident}/payments/back", params=led)
    while await house.driver.drive_payment():
        pass
    house.catch_up()
    await house.driver.drive_payment()
    assert await house.state(ident) == "PENDING"
    second = await house.authorised(ident)
    assert second["id"] != begun["id"]
    await house.driven()
    assert await house.state(ident) == "CONFIRMED"
    assert await house.money() == (PRICE, PRICE)
    await house.agree()


@pytest.mark.parametrize("card", ["4000000000000101", "4000000000000119", "4000000000000127", "4000000000000333"])
async def test_no_answer_is_asked_for_until_there_is_one(house: House, card: str) -> None:
    ident = await house.held()
    await house.authorised(ident, card)
    await house.driven()
    assert await house.state(ident) == "CONFIRMED"
    assert await house.money() == (PRICE, PRICE)
    await house.agree()


async def test_nobody_pays_twice_while_it_is_unknown(house: House) -> None:
    ident = await house.held()
    await house.authorised(ident, "4000000000000101")
    house.catch_up()
    await house.driver.drive_payment()  # found authorised
    await house.driver.drive_payment()  # taken, and nobody answers
    standing = (await house.client.get(f"/reservations/{ident}/payments")).json()
    assert standing["payment"]["state"] == "unknown"
    assert (await house.client.post(f"/reservations/{ident}/payments", json={})).json()["code"] == "MJ-RSV-033"
    await house.driven()
    assert await house.state(ident) == "CONFIRMED"


async def test_paid_too_late_it_is_acquired_again(house: House) -> None:
    ident = await house.held(2)
    begun = await house.begun(ident)
    house.clock.advance(house.settings.reservation.hold_lifetime + 1)
    assert await house.expired() == 1
    assert await house.stock() == (4, 0, 0)
    led = await pay(begun["checkout"]["url"])
    await house.client.get(f"/reservations/{ident}/payments/back", params=led)
    await house.driven()
    assert await house.history(ident) == ["EXPIRED", "CONFIRMED"]
    assert await house.stock() == (4, 0, 2)
    await house.agree()


@pytest.mark.parametrize("card", [GOOD, "4000000000000416", "4000000000000424"])
async def test_what_was_authorised_for_what_is_gone_is_let_go_of(house: House, card: str) -> None:
    """Also where the answer is lost, or is an error."""
    ident = await house.held(2)
    begun = await house.begun(ident)
    house.clock.advance(house.settings.reservation.hold_lifetime + 1)
    await house.expired()
    await house.held(4, client=house.client.of(Someone.new()))
    if card in SILENT:
        house.driver = replace(house.driver, provider=house.impatient)
    led = await pay(begun["checkout"]["url"], card)
    await house.client.get(f"/reservations/{ident}/payments/back", params=led)
    await house.driven()
    there = await house.driver.provider.look(begun["id"], "")
    assert there is not None
    assert (there.stage, there.code, there.captured) == (Stage.FAILED, "voided", 0)
    assert await steps(house, begun["id"]) == ["created", "voiding", "failed"]
    assert await house.mails() == ["reservation_not_paid"]  # once, whatever the provider answered
    assert (await house.told(ident)).count("payment.failed") == 1


async def test_a_bank_that_refuses_holds_nothing_back(house: House) -> None:
    ident = await house.held()
    begun = await house.authorised(ident, "4000000000000341")
    await house.driven()
    assert await house.history(ident) == ["RELEASED"]
    there = await house.driver.provider.look(begun["id"], "")
    assert there is not None
    assert there.stage is Stage.FAILED


@pytest.mark.parametrize("typed", [True, False])
async def test_cancelled_before_it_was_taken_it_is_let_go_of_at_once(house: House, typed: bool) -> None:
    ident = await house.held()
    begun = await house.begun(ident)
    if typed:
        await pay(begun["checkout"]["url"])
    assert (await house.client.post(f"/reservations/{ident}/cancel", json={})).status_code == 202
    house.catch_up()
    assert await house.driver.drive_payment()
    there = await house.driver.provider.look(begun["id"], "")
    assert there is not None
    assert there.stage is Stage.FAILED
    assert await steps(house, begun["id"]) == ["created", "voiding", "failed"]
    assert await house.state(ident) == "CANCELLED"
    assert await house.mails() == ["reservation_cancelled"]
    assert await house.money() == (0, 0)
    await house.agree()


async def steps(house: House, ident: str) -> list[str]:
    """The states that a payment went through."""
    event = payments.payment_event.c
    async with house.database.connect() as tx:
        return list(await tx.scalars(sa.select(event.to_state).where(event.payment == ident).order_by(event.id)))


async def test_paid_too_late_for_what_is_gone_nothing_is_taken(house: House) -> None:
    ident = await house.held(2)
    begun = await house.begun(ident)
    house.clock.advance(house.settings.reservation.hold_lifetime + 1)
    await house.expired()
    await house.held(4, client=house.client.of(Someone.new()))
    led = await pay(begun["checkout"]["url"])
    await house.client.get(f"/reservations/{ident}/payments/back", params=led)
    await house.driven()
    assert await house.state(ident) == "EXPIRED"
    assert await house.money() == (0, 0)
    assert await house.stock() == (4, 4, 0)
    assert await house.mails() == ["reservation_not_paid"]
    await house.agree()


async def test_taken_when_it_was_gone_it_is_given_back(house: House) -> None:
    """The provider took the money and said nothing for so long that somebody else has it."""
    ident = await house.held(2)
    await house.authorised(ident, "4000000000000101")
    house.catch_up()
    await house.driver.drive_payment()
    await house.driver.drive_payment()
    house.clock.advance(house.settings.reservation.hold_lifetime + 301)
    assert await house.expired() == 1
    await house.held(4, client=house.client.of(Someone.new()))
    await house.driven()
    assert await house.state(ident) == "EXPIRED"
    assert await house.money() == (2 * PRICE, 0)
    assert "payment.returned" in await house.told(ident)
    assert "refund.succeeded" in await house.told(ident)
    assert await house.mails() == ["reservation_not_paid", "reservation_refunded"]
    await house.agree()


async def test_what_nobody_pays_is_over(house: House) -> None:
    ident = await house.held()
    await house.begun(ident)
    await house.driven()
    async with house.database.connect() as tx:
        row = (await tx.execute(sa.select(payments.payment))).one()
    assert (row.state, row.failure) == ("failed", "abandoned")
    assert await house.expired() == 1
    assert await house.state(ident) == "EXPIRED"
    assert await house.mails() == []


async def test_the_provider_is_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from upstreams.trade.payments.provider import Uncertain
    from upstreams.trade.payments.sandbox_provider import SandboxProvider

    async def away(*_: object) -> None:
        raise Uncertain("ConnectError")

    ident = await house.held()
    with monkeypatch.context() as patched:
        patched.setattr(SandboxProvider, "begin", away)
        answer = await house.client.post(f"/reservations/{ident}/payments", json={})
        assert (answer.status_code, answer.json()["code"]) == (503, "MJ-RSV-034")
    assert await house.state(ident) == "PENDING"
    await house.authorised(ident)
    await house.driven()
    assert await house.state(ident) == "CONFIRMED"


async def test_several_workers_take_it_once(house: House) -> None:
    idents = [await house.held(1, client=house.client.of(Someone.new())) for _ in range(3)]
    del idents
    ident = await house.held(1)
    await house.authorised(ident)
    house.catch_up()
    for _ in range(4):
        await asyncio.gather(*(house.driver.drive_payment() for _ in range(6)))
        house.clock.advance(61)
    await house.driven()
    assert await house.money() == (PRICE, PRICE)
    await house.agree()


async def test_never_more_is_given_back_than_was_taken(house: House) -> None:
    ident = await house.paid()
    stores = house.driver.refunds
    async with house.databases("reservation").begin() as tx:
        payment = await house.driver.payments.of(tx, __import__("uuid").UUID(ident))
        assert payment is not None
        from upstreams.trade.money import Money
        from upstreams.trade.payments.refund import Refund

        too_much = Refund(uuid4(), payment.id, "unwanted", None, Money(PRICE + 1, "KRW"), "requested", None)
        with pytest.raises(MoreThanWasPaid):
            await stores.request(tx, too_much, house.clock.now())
    with pytest.raises(sa.exc.DBAPIError):
        async with house.database.begin() as tx:
            await tx.execute(sa.update(payments.payment).values(given_back=PRICE + 1))


async def test_a_form_is_led_to_the_provider_s_page(house: House) -> None:
    from upstreams.door.forms import FormTokens

    ident = await house.held()
    page = await house.client.get(f"/reservations/{ident}", headers={"Accept": "text/html"})
    assert "Pay and confirm" in page.text
    origin = house.driver.provider.pages[0]
    assert f"form-action 'self' {origin}" in page.headers["content-security-policy"]
    token = FormTokens(house.client.envelope, house.clock).issue(house.client.someone.subject.sid)
    sent = await house.client.post(f"/reservations/{ident}/payments", data={"form_token": token})
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(f"{origin}/pay/")
    assert NIGHT not in sent.headers["location"]
