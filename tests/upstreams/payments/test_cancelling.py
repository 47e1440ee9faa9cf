"""Cancelling: by its owner, whole or in part, once, with the fee of the moment; the money when the provider says so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import sqlalchemy as sa

from tests.upstreams.conftest import Client, Someone
from tests.upstreams.payments.paying import NIGHT, PRICE, House
from upstreams.door.forms import FormTokens
from upstreams.reservation.storage.cancellations import StoredCancellations
from upstreams.reservation.storage.tables import cancellation, payments, sku
from upstreams.reservation.terms import ON_SITE, TermLine, called
from upstreams.trade.money import Money
from upstreams.trade.payments.provider import Uncertain
from upstreams.trade.payments.retries import MOST_ATTEMPTS

CLASS = "SLOT-POTTERY"


async def cancel(client: Client, ident: str, *lines: tuple[str, int], key: str | None = None) -> Any:
    return await client.post(
        f"/reservations/{ident}/cancel",
        json={"reason": "비가 와서", "lines": [{"sku": thing, "quantity": count} for thing, count in lines]},
        headers={"Idempotency-Key": key} if key else {},
    )


async def begins_in(house: House, hours: float, thing: str = NIGHT) -> None:
    """As if it began in so many hours."""
    async with house.database.begin() as tx:
        begins = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, hours * 3600)
        await tx.execute(sa.update(sku).values(starts_at=begins, ends_at=None).where(sku.c.code == thing))


async def test_whole_with_its_money(house: House) -> None:
    ident = await house.paid(2)
    answer = await cancel(house.client, ident)
    made = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/reservations/{ident}/cancellations/{made['id']}"
    assert (made["whole"], made["fee"], made["refund"]) == (True, 0, {"amount": 2 * PRICE, "state": "requested"})
    # cancelled at once, refunded only when the provider says so
    assert await house.state(ident) == "CANCELLED"
    assert await house.stock() == (4, 0, 0)
    assert await house.money() == (2 * PRICE, 2 * PRICE)
    await house.driven()
    assert await house.history(ident) == ["CONFIRMED", "CANCELLED", "REFUNDED"]
    assert await house.money() == (2 * PRICE, 0)
    shown = (await house.client.get(answer.headers["location"])).json()
    assert (shown["refund"]["state"], shown["reason"]) == ("succeeded", "비가 와서")
    assert await house.told(ident) == ["held", "confirmed", "cancelled", "refunded", "refund.succeeded"]
    assert await house.mails() == ["reservation_cancelled", "reservation_confirmed", "reservation_refunded"]
    async with house.database.connect() as tx:
        heard = await tx.scalars(sa.text("SELECT payload ->> 'kind' FROM events.outbox WHERE topic = 'reservation'"))
        assert list(heard) == ["confirmed", "cancelled", "refund.succeeded"]
    await house.agree()


async def test_nobody_pays_more_than_the_page_showed(house: House) -> None:
    ident = await house.paid(2)
    page = {"Accept": "text/html"}
    await begins_in(house, 100)
    shown = await house.client.get(f"/reservations/{ident}/cancel?chosen=1&quantity.{NIGHT}=1", headers=page)
    assert 'name="agreed" value="0"' in shown.text
    await begins_in(house, 48)
    token = FormTokens(house.client.envelope, house.clock).issue(house.client.someone.subject.sid)
    form = {"form_token": token, "chosen": "1", "agreed": "0", f"quantity.{NIGHT}": "1"}
    refused = await house.client.post(f"/reservations/{ident}/cancel", data=form, headers=page)
    assert refused.status_code == 409
    assert "MJ-RSV-025" in refused.text
    assert 'name="agreed" value="54000"' in refused.text
    assert await house.stock() == (4, 0, 2)
    agreed = await house.client.post(f"/reservations/{ident}/cancel", data={**form, "agreed": "54000"}, headers=page)
    assert agreed.status_code == 303
    assert await house.stock() == (4, 0, 1)
    text = (await house.client.get(f"/reservations/{ident}", headers=page)).text
    assert "₩126,000" in text
    assert "Requested" in text
    await house.driven()
    assert "Returned" in (await house.client.get(f"/reservations/{ident}", headers=page)).text


async def test_in_parts_to_the_last_won(house: House) -> None:
    await begins_in(house, 48)
    ident = await house.paid(3)
    terms = (await house.client.get(f"/reservations/{ident}/cancellation-terms")).json()["lines"]
    assert [(one["sku"], one["kept"], one["fee_basis_points"]) for one in terms] == [(NIGHT, 3, 3000)]
    first = (await cancel(house.client, ident, (NIGHT, 1))).json()
    assert (first["whole"], first["fee"], first["refund"]["amount"]) == (False, 54_000, 126_000)
    assert await house.state(ident) == "CONFIRMED"
    assert await house.stock() == (4, 0, 2)
    assert (await cancel(house.client, ident, (NIGHT, 3))).json()["code"] == "MJ-RSV-021"
    assert (await cancel(house.client, ident, ("NO-SUCH", 1))).json()["code"] == "MJ-RSV-021"
    await begins_in(house, 12)  # the terms are kept, the moment is another
    second = (await cancel(house.client, ident, (NIGHT, 2))).json()
    assert (second["whole"], second["fee"], second["refund"]["amount"]) == (True, 180_000, 180_000)
    await house.driven()
    assert await house.state(ident) == "REFUNDED"
    assert await house.stock() == (4, 0, 0)
    assert await house.money() == (3 * PRICE, 3 * PRICE - 126_000 - 180_000)
    listed = (await house.client.get(f"/reservations/{ident}/cancellations")).json()["cancellations"]
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    await house.agree()


async def test_too_late_and_not_theirs(house: House) -> None:
    ident = await house.paid()
    stranger = house.client.of(Someone.new())
    for answer in (
        await cancel(stranger, ident),
        await stranger.get(f"/reservations/{ident}/cancellations"),
        await stranger.get(f"/reservations/{ident}/cancellation-terms"),
        await cancel(house.client, str(uuid4())),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "MJ-RSV-003")
    await begins_in(house, -1)
    refused = await cancel(house.client, ident)
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-RSV-022")
    assert await house.state(ident) == "CONFIRMED"
    await begins_in(house, 100)
    assert (await cancel(house.client, ident)).status_code == 202
    again = await cancel(house.client, ident)
    assert (again.status_code, again.json()["code"]) == (409, "MJ-RSV-005")
    await house.driven()
    assert (await cancel(house.client, ident)).json()["code"] == "MJ-RSV-005"


async def test_the_same_key_is_one_cancellation(house: House) -> None:
    ident = await house.paid(2)
    key = uuid4().hex
    answers = await asyncio.gather(*(cancel(house.client, ident, (NIGHT, 1), key=key) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await cancel(house.client, ident, (NIGHT, 2), key=key)
    assert (other.status_code, other.json()["code"]) == (422, "MJ-TRD-002")
    await house.driven()
    assert await house.stock() == (4, 0, 1)
    await house.agree()


async def test_what_is_not_confirmed_goes_whole_and_costs_nothing(house: House) -> None:
    ident = await house.held(2)
    assert (await cancel(house.client, ident, (NIGHT, 1))).json()["code"] == "MJ-RSV-023"
    # its payment is under way: what is taken afterwards goes back
    await house.authorised(ident, "4000000000000101")
    house.catch_up()
    await house.driver.drive_payment()
    await house.driver.drive_payment()
    made = (await cancel(house.client, ident)).json()
    assert (made["fee"], made["refund"]) == (0, {"amount": 0, "state": None})
    assert await house.stock() == (4, 0, 0)
    await house.driven()
    assert await house.state(ident) == "REFUNDED"
    assert await house.money() == (2 * PRICE, 0)
    await house.agree()


async def test_terms_are_those_of_the_moment_of_asking(house: House) -> None:
    ident = await house.paid()
    async with house.database.begin() as tx:
        worse = [{"hours": 0, "fee": 10_000}]
        await tx.execute(sa.update(sku).values(deadlines=worse, payment="on_site").where(sku.c.code == NIGHT))
    assert (await cancel(house.client, ident)).json()["refund"]["amount"] == PRICE


@pytest.mark.parametrize("card", ["4000000000000200", "4000000000000218", "4000000000000226"])
async def test_a_refund_without_an_answer_is_given_once(house: House, card: str) -> None:
    ident = await house.paid(1, card)
    await cancel(house.client, ident)
    house.catch_up()
    await house.driver.drive_refund()
    assert await house.state(ident) == "CANCELLED"
    house.catch_up()
    await house.driven()
    assert await house.state(ident) == "REFUNDED"
    assert await house.money() == (PRICE, 0)
    await house.agree()


async def test_a_refund_that_is_refused_waits_for_a_person(house: House) -> None:
    ident = await house.paid(1, "4000000000000234")
    made = (await cancel(house.client, ident)).json()
    await house.driven()
    assert await house.state(ident) == "CANCELLED"
    shown = (await house.client.get(f"/reservations/{ident}/cancellations/{made['id']}")).json()
    assert shown["refund"]["state"] == "failed"
    assert (await house.told(ident))[-1] == "refund.failed"
    assert (await house.mails())[-1] == "reservation_refund_stuck"
    assert await house.money() == (PRICE, PRICE)


async def test_a_provider_that_never_answers_leaves_a_dead_letter(house: House, monkeypatch: Any) -> None:
    ident = await house.paid()
    await cancel(house.client, ident)

    async def silent(*_: object, **__: object) -> None:
        raise Uncertain("ReadTimeout")

    with monkeypatch.context() as patched:
        for name in ("refund", "look"):
            patched.setattr(type(house.driver.provider), name, silent)
        await house.driven(rounds=3 * MOST_ATTEMPTS)
    async with house.database.connect() as tx:
        row = (await tx.execute(sa.select(payments.refund))).one()
    assert (row.state, row.dead, row.next_attempt_at) == ("unknown", True, None)
    assert await house.state(ident) == "CANCELLED"
    retry = f"/reservations/administration/stuck-money/{row.id}/retry"
    assert (await house.client.post(retry)).status_code == 404
    chief = Someone.new()
    chief = replace(chief, subject=msgspec.structs.replace(chief.subject, roles=("administrator",)))
    stuck = (await house.client.of(chief).get("/reservations/administration/stuck-money")).json()
    assert [one["id"] for one in stuck["refunds"]] == [str(row.id)]
    assert (await house.client.of(chief).post(retry)).status_code == 202
    house.catch_up()
    await house.driven()
    assert await house.state(ident) == "REFUNDED"
    await house.agree()


async def test_an_error_in_the_middle_undoes_all_of_it(house: House, monkeypatch: Any) -> None:
    ident = await house.paid(2)

    async def fails(*_: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(StoredCancellations, "write", fails)
        answer = await cancel(house.client, ident)
    assert (answer.status_code, answer.json()["code"]) == (500, "MJ-WEB-001")
    assert await house.state(ident) == "CONFIRMED"
    assert await house.stock() == (4, 0, 2)
    assert await house.mails() == ["reservation_confirmed"]
    async with house.database.connect() as tx:
        assert await tx.scalar(sa.select(sa.func.count()).select_from(cancellation)) == 0
    assert (await cancel(house.client, ident)).status_code == 202


async def test_a_storm_on_one_reservation(house: House) -> None:
    """Hundreds at once: exactly one wins, and the stock comes back once."""
    ident = await house.paid(3)
    answers = await asyncio.gather(*(cancel(house.client, ident) for _ in range(200)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 199
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"MJ-RSV-005"}
    assert await house.stock() == (4, 0, 0)
    await house.driven()
    assert await house.money() == (3 * PRICE, 0)
    await house.agree()


async def test_a_storm_of_parts_on_one_reservation(house: House) -> None:
    """As many parts as there are units win, whoever comes first."""
    ident = await house.held(8, CLASS)
    await house.client.post(f"/reservations/{ident}/confirm", json={})
    answers = await asyncio.gather(*(cancel(house.client, ident, (CLASS, 1)) for _ in range(24)))
    codes = [answer.json().get("code") for answer in answers]
    assert codes.count(None) == 8
    assert set(codes) <= {None, "MJ-RSV-005", "MJ-RSV-021"}
    assert sum(answer.json().get("whole", False) for answer in answers) == 1
    assert await house.stock(CLASS) == (8, 0, 0)
    assert await house.state(ident) == "CANCELLED"


async def test_a_storm_on_many_reservations(house: House) -> None:
    """Everybody cancels everything twice over one row of stock."""
    async with house.database.begin() as tx:
        await tx.execute(sa.text(f"UPDATE reservation.sku SET limit_per_request = 10 WHERE code = '{CLASS}'"))
    people = [house.client.of(Someone.new()) for _ in range(8)]
    held = [(one, await house.held(1, CLASS, one)) for one in people]
    for one, ident in held:
        await one.post(f"/reservations/{ident}/confirm", json={})
    assert await house.stock(CLASS) == (8, 0, 8)
    answers = await asyncio.gather(*(cancel(one, ident) for one, ident in held for _ in range(13)))
    assert sorted(answer.status_code for answer in answers) == [202] * 8 + [409] * 96
    assert await house.stock(CLASS) == (8, 0, 0)


def test_what_a_reservation_is_called() -> None:
    lines = [
        TermLine("A", {"ko": "음악회", "en": "Concert"}, 2, Money(1, "KRW"), ON_SITE, None),
        TermLine("B", {"ko": "산책"}, 1, Money(1, "KRW"), ON_SITE, None),
    ]
    assert called(lines, "en") == "Concert × 2, 산책 × 1"
    assert called(lines, "ko", {"A": 1}) == "음악회 × 1"
