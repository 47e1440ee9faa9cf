"""The pages of reservations by HTTP: choosing, one's turn, the list, one of them, cancelling, administrators."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from config.clock import SystemClock
from config.connections import Valkey
from config.settings import Settings
from tests.axe import assert_accessible_async
from tests.upstreams.browsing import browsing
from tests.upstreams.conftest import Client, Databases, Someone, open_wide
from tests.upstreams.test_places import administrator as administrator_at
from tests.upstreams.test_reservations import CLASS, SEAT, ask, drain
from upstreams.door.forms import FormTokens
from upstreams.reservation.queue import RequestQueue
from upstreams.reservation.storage.tables import dead_letter, request, request_line
from upstreams.reservation.worker import Worker

PAGE = {"Accept": "text/html"}
HALL, ROOM, NIGHT = "HALL-PANSORI", "ROOM-TEA", "NIGHT-HANOK"


async def page(client: Client, path: str, status: int = 200) -> str:
    answer = await client.get(path, headers=PAGE)
    assert answer.status_code == status, answer.text
    assert answer.text.count("<h1") == 1
    return answer.text


def one(pattern: str, text: str) -> str:
    """What stands there, once."""
    (found,) = re.findall(pattern, text)
    return str(found)


async def send(client: Client, path: str, *fields: tuple[str, str]) -> tuple[int, str, str]:
    """Send a form: the status, where it leads, and the page."""
    token = FormTokens(client.envelope, SystemClock()).issue(client.someone.subject.sid)
    data: dict[str, list[str]] = {"form_token": [token]}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    answer = await client.post(path, data=data, headers=PAGE)
    return answer.status_code, answer.headers.get("location", ""), answer.text


async def reserved(client: Client, worker: Worker, valkey: Valkey, settings: Settings, *fields: tuple[str, str]) -> str:
    """Ask by the form of the pages, and have it decided: the address of the reservation."""
    status, address, text = await send(client, "/reservations", ("key", uuid4().hex), ("page", ""), *fields)
    assert status == 303, text
    await drain(worker, RequestQueue(valkey), settings)
    return address


async def test_several_things_are_chosen_by_one_form(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings
) -> None:
    chosen = await page(slots, "/reservations/new")
    assert f'name="quantity.{SEAT}"' in chosen
    assert "10 left" in chosen
    assert f'href="/reservations/new/{HALL}"' in chosen
    assert "0% up to 72 hours before" in chosen
    later = await page(slots, "/reservations/new?from=2026-12-10&until=2026-12-13")
    assert f'name="quantity.{CLASS}"' in later
    assert f'name="quantity.{SEAT}"' not in later
    assert (await slots.get("/reservations/new?from=soon", headers=PAGE)).status_code == 422
    assert "예약 신청하기" in await page(slots, "/reservations/new?locale=ko")
    address = await reserved(
        slots, worker, valkey, settings,
        (f"quantity.{SEAT}", "2"), (f"quantity.{CLASS}", "1"), (f"quantity.{NIGHT}", "0"),
        (f"seat.{HALL}", "A1"), (f"seat.{HALL}", "B2"),
    )  # fmt: skip
    lines = {line["sku"]: line for line in (await slots.get(address)).json()["lines"]}
    assert {sku: one["quantity"] for sku, one in lines.items()} == {SEAT: 2, CLASS: 1, HALL: 2}
    assert lines[HALL]["seats"] == ["A1", "B2"]
    seats = await page(slots, f"/reservations/new/{HALL}")
    assert re.search(r'value="A1" id="seat-A1" disabled', seats)
    assert re.search(r'value="A2" id="seat-A2">', seats)
    assert (await slots.get(f"/reservations/new/{SEAT}", headers=PAGE)).status_code == 404


async def test_what_is_wrong_stands_beside_its_field(slots: Client) -> None:
    key = ("key", uuid4().hex)
    status, _, text = await send(slots, "/reservations", key, ("page", ""), (f"quantity.{SEAT}", "0"))
    assert (status, "MJ-RSV-012" in text) == (422, True)
    status, _, text = await send(slots, "/reservations", key, ("page", ""), (f"quantity.{SEAT}", "11"))
    assert status == 409
    assert 'href="#quantity-SEAT-MOON-CONCERT"' in text
    assert 'aria-describedby="quantity-SEAT-MOON-CONCERT-error"' in text
    assert 'value="11"' in text
    assert "/.munjigi/help/MJ-RSV-001" in text
    # the same key would be refused again, whatever is asked for
    assert key[1] not in text
    status, _, text = await send(slots, "/reservations", key, ("page", HALL), (f"seat.{HALL}", "Z9"))
    assert status in (303, 409, 422)


async def test_a_room_is_had_from_until(slots: Client, worker: Worker, valkey: Valkey, settings: Settings) -> None:
    day = "/reservations/new/ROOM-TEA?day=2027-03-01"
    text = await page(slots, day)
    starts = re.findall(r'data-start="([^"]+)"', text)
    assert len(starts) == 24
    span = (("sku", ROOM), ("unit_minutes", "60"), ("starts_at", starts[10]), ("ends_at", starts[12]))
    address = await reserved(slots, worker, valkey, settings, *span)
    assert (await slots.get(address)).json()["lines"][0]["quantity"] == 2
    assert "Tea room × 2" in await page(slots, address)
    taken = re.findall(r'<li class="(\w+)"', await page(slots, day))
    assert [index for index, word in enumerate(taken) if word == "taken"] == [10, 11]
    back = (("key", uuid4().hex), ("page", ROOM), ("day", "2027-03-01"))
    status, _, text = await send(slots, "/reservations", *back, *span[:3], ("ends_at", starts[9]))
    assert status == 422
    assert 'aria-describedby="starts_at-error"' in text
    assert 'value="2027-03-01"' in text


async def test_the_turn_is_shown_and_the_page_comes_back_without_scripts(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings
) -> None:
    await open_wide(valkey, SEAT)
    others = [slots.of(Someone.new()) for _ in range(2)]
    for other in others:
        await ask(other, (SEAT, 1))
    asked = await ask(slots, (SEAT, 1))
    address = f"/reservations/{asked['id']}"
    waiting = await page(slots, address)
    assert "Number 3 in line, 2 ahead of you" in waiting
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in waiting
    await drain(worker, RequestQueue(valkey), settings)
    held = await page(slots, address)
    assert "refresh" not in held
    now, until = (int(one(rf'data-{name}="(\d+)"', held)) for name in ("now", "until"))
    assert 0 < until - now <= 15 * 60 * 1000


async def test_the_list_is_narrowed_down_and_leads_on(slots: Client, database: Databases) -> None:
    for n in range(23):
        await _written(database, slots.someone.id, "refused" if n < 2 else "queued")
    await _written(database, Someone.new().id, "queued")
    first = await page(slots, "/reservations")
    assert first.count('<section class="card">') == 20
    following = one(r'rel="next" href="([^"]+)"', first)
    assert (await page(slots, following)).count('<section class="card">') == 3
    ended = await page(slots, "/reservations?show=ended")
    assert ended.count('data-state="REFUSED"') == 2
    assert ended.count('<section class="card">') == 2
    listed = (await slots.get("/reservations?show=waiting")).json()
    assert len(listed["reservations"]) == 20
    assert listed["next"] == listed["reservations"][-1]["id"]
    assert (await slots.get("/reservations?show=all")).status_code == 422
    assert (await slots.get("/reservations?before=1")).status_code == 422


async def test_a_part_is_cancelled_once_its_fee_was_shown(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings
) -> None:
    fields = ((f"quantity.{SEAT}", "3"), (f"seat.{HALL}", "A1"), (f"seat.{HALL}", "A2"))
    address = await reserved(slots, worker, valkey, settings, *fields)
    # what is only held is cancelled as a whole: there is nothing to choose
    assert "This cancels all of it." in await page(slots, f"{address}/cancel")
    await send(slots, f"{address}/confirm")
    choice = await page(slots, f"{address}/cancel")
    assert "How many to cancel (of 3)" in choice
    assert f'name="seat.{HALL}" value="A2"' in choice
    assert "MJ-RSV-012" in await page(slots, f"{address}/cancel?chosen=1", 422)
    over = await page(slots, f"{address}/cancel?chosen=1&quantity.{SEAT}=4", 422)
    assert 'aria-describedby="quantity-SEAT-MOON-CONCERT-error"' in over
    shown = await page(slots, f"{address}/cancel?chosen=1&quantity.{SEAT}=1&seat.{HALL}=A1")
    assert "This cancels a part; the rest stays yours." in shown
    assert 'name="agreed" value="0"' in shown
    assert (await slots.get(f"{address}/cancellations")).json() == {"cancellations": []}
    hidden = re.findall(r'type="hidden" name="((?:quantity|seat)\.[^"]+)" value="([^"]+)"', shown)
    assert sorted(hidden) == [(f"quantity.{SEAT}", "1"), (f"seat.{HALL}", "A1")]
    done = await send(slots, f"{address}/cancel", ("chosen", "1"), ("agreed", "0"), ("reason", "rain"), *hidden)
    assert done[:2] == (303, address)
    text = await page(slots, address)
    assert "rain" in text
    assert "2 of it" in text
    terms = {line["sku"]: line for line in (await slots.get(f"{address}/cancellation-terms")).json()["lines"]}
    assert (terms[SEAT]["kept"], terms[HALL]["kept"], terms[HALL]["seats"]) == (2, 1, ["A2"])
    # a seat that was given back is not there to be given back again
    again = await send(slots, f"{address}/cancel", ("chosen", "1"), (f"seat.{HALL}", "A1"))
    assert (again[0], "MJ-RSV-021" in again[2]) == (422, True)
    done = await send(slots, f"{address}/cancel", ("all", "1"), ("agreed", "0"))
    assert done[0] == 303
    text = await page(slots, address)
    assert 'data-state="CANCELLED"' in text
    assert text.count("by you") == 2
    assert "MJ-RSV-005" in (await slots.get(f"{address}/cancel?all=1&chosen=1", headers=PAGE)).text
    assert (await slots.of(Someone.new()).get(f"{address}/cancel", headers=PAGE)).status_code == 404


async def test_administrators_look_and_try_again(slots: Client, database: Databases) -> None:
    administrator = administrator_at(slots)
    address = "/reservations/administration"
    assert (await slots.get(address, headers=PAGE)).status_code == 404
    assert "Payments and refunds that are stuck" in await page(administrator, address)
    ident = await _written(database, slots.someone.id, "dead")
    async with database("owner").begin() as tx:
        letter = insert(dead_letter).values(
            request=ident, error="It does not fit", sqlstate="22003", buried_at=datetime(2026, 12, 1, tzinfo=UTC)
        )
        number = await tx.scalar(letter.returning(dead_letter.c.id))
    text = await page(administrator, address)
    assert "It does not fit" in text
    assert str(ident) in text
    retry = f"{address}/dead-letters/{number}/retry"
    assert retry in text
    assert (await administrator.post(retry, data={"form_token": "x"})).status_code == 403
    assert (await send(slots, retry))[0] == 404
    assert (await send(administrator, retry))[:2] == (303, address)
    assert (await slots.get(f"/reservations/{ident}")).json()["state"] == "QUEUED"
    assert "Tried again" in await page(administrator, address)


@pytest.mark.browser
async def test_the_page_of_administrators_fits_a_narrow_screen(slots: Client, database: Databases) -> None:
    ident, now = await _written(database, slots.someone.id, "dead"), SystemClock().now()
    async with database("owner").begin() as tx:
        await tx.execute(insert(dead_letter).values(request=ident, error="It does not fit", buried_at=now))
    async with browsing(administrator_at(slots)) as shown:
        for locale in ("ko", "en"):
            await shown.goto(f"http://shop.localhost:8080/reservations/administration?locale={locale}")
            await assert_accessible_async(shown)
            # the table scrolls, and what screen readers are told of its buttons does not widen the page
            assert await shown.evaluate("document.documentElement.scrollWidth") == 320


async def _written(database: Databases, person: UUID, state: str) -> UUID:
    """A request as it stands in the tables."""
    ident, now = uuid4(), SystemClock().now()
    async with database("owner").begin() as tx:
        refusal = {"refused": "sold_out", "dead": "cannot_be_decided"}.get(state)
        values = {"id": ident, "person": person, "shard": 0, "state": state, "currency": "KRW", "refusal": refusal}
        decided = None if state == "queued" else now
        await tx.execute(insert(request).values(**values, requested_at=now, decided_at=decided))
        line = {"request": ident, "sku": SEAT, "quantity": 1, "unit_price": 55000}
        await tx.execute(insert(request_line).values(**line, payment="on_site", deadlines=[]))
    return ident
