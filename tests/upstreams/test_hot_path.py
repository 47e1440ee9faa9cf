"""What is asked the most, on its short ways: the gate in rounds, a program's POST, a batch's rows, spans of a line."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from structlog.testing import capture_logs

from config import key_space
from config.clock import SystemClock
from config.connections import Valkey
from tests.upstreams.conftest import Client, Databases, Someone
from tests.upstreams.test_reservations import CLASS, SEAT, asking
from upstreams.reservation.admission import Answer, Key
from upstreams.reservation.gate import Gate
from upstreams.reservation.lag import BUCKETS, Lag
from upstreams.reservation.pace import TRUSTED, Pace
from upstreams.reservation.queue import spans
from upstreams.reservation.request import ident_of
from upstreams.reservation.storage.tables import trade
from upstreams.trade.allocation import Line, basket_of
from upstreams.trade.storage import bulk


@given(st.sets(st.integers(1, 60), max_size=40))
def test_spans_are_the_numbers(numbers):
    found = spans(sorted(numbers))
    pairs = list(zip(found[::2], found[1::2], strict=True))
    assert [n for first, last in pairs for n in range(first, last + 1)] == sorted(numbers)
    assert all(last + 1 < following for (_, last), (following, _) in pairwise(pairs))


@given(st.integers(0, 10**9), st.uuids(version=4))
def test_an_id_begins_with_its_time(seconds, chance):
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ident = ident_of(now, chance)
    assert (ident.version, ident.variant) == (7, chance.variant)
    assert ident.int >> 80 == int(now.timestamp() * 1000)
    assert ident < ident_of(now + timedelta(milliseconds=2), chance)
    assert ident.int & (1 << 62) - 1 == chance.int & (1 << 62) - 1


async def test_what_all_rows_have_alike_is_sent_once_and_all_are_written(slots_data: None, database: Databases):
    """Whatever is alike among them: nothing, one column, all but one, all."""
    movement, note = trade.stock_movement, bulk.Insertion(trade.stock_movement)
    now = SystemClock().now()
    batches = [
        {"cause": ["a", "b", "c"], "held": [1, 2, 3]},
        {"cause": ["d", "e"], "held": [4, 4]},
        {"cause": ["f"], "held": [5]},
        {"cause": [], "held": []},
    ]
    async with database("reservation").begin() as tx:
        for each in batches:
            count = len(each["cause"])
            await note.put(tx, **each, sku=[SEAT] * count, warehouse=["icheon"] * count, kind="hold", at=now)
        written = await tx.execute(select(movement.c.cause, movement.c.held).where(movement.c.kind == "hold"))
        assert sorted(map(tuple, written)) == [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 4), ("f", 5)]


def test_a_lag_is_counted_where_it_belongs():
    lag, registry = Lag(), CollectorRegistry()
    registry.register(lag)
    lag.note([0.001, 0.002, 0.04, 99.0])
    name = "munjigi_reservation_lag_seconds"
    counts = [registry.get_sample_value(f"{name}_bucket", {"le": str(bound)}) for bound in BUCKETS]
    assert counts == [2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3]
    assert registry.get_sample_value(f"{name}_count") == 4
    assert registry.get_sample_value(f"{name}_sum") == 99.043


class TestRounds:
    async def test_who_comes_first_is_let_in_first_and_each_hears_of_their_own(self, valkey: Valkey):
        """A hundred at once, for 10 of one thing and 3 of another: as if each had asked alone, in their order."""
        gate = Gate(valkey)
        await gate.know_keys()
        for sku, left in (("CUP", 10), ("TEA", 3)):
            await gate.put(sku, left, await gate.see(sku))
        wanted = [[Line("CUP", 1 + n % 3)] if n % 5 else [Line("CUP", 1), Line("TEA", 1)] for n in range(100)]
        baskets = [basket_of(uuid4(), lines) for lines in wanted]
        told = await asyncio.gather(*(gate.admit(one, uuid4(), uuid4().hex, TRUSTED) for one in baskets))
        left = {"CUP": 10, "TEA": 3}
        for one, admission in zip(baskets, told, strict=True):
            fits = [left[line.sku] >= line.quantity for line in one.lines]
            assert (admission.answer, admission.key) == (Answer.LET_IN if all(fits) else Answer.SOLD_OUT, Key.NEW)
            for line, has in zip(one.lines, fits, strict=True):
                left[line.sku] -= line.quantity if has else 0
        # what was taken for a basket that then got nothing is given back
        taken = {"CUP": 0, "TEA": 0}
        for one, admission in zip(baskets, told, strict=True):
            for line in one.lines if admission.answer is Answer.LET_IN else ():
                taken[line.sku] += line.quantity
        for sku, count in (("CUP", 10), ("TEA", 3)):
            assert (await gate.see(sku)).left == count - taken[sku]

    async def test_a_key_is_new_once_and_everybody_has_a_pace_of_their_own(self, valkey: Valkey):
        gate, me, pace = Gate(valkey), uuid4(), Pace(3, 10)
        await gate.know_keys()
        await gate.put("CUP", 0, await gate.see("CUP"))
        one = basket_of(uuid4(), [Line("CUP", 1)])
        asked = [(me, "the-same-key"), (me, "the-same-key"), (uuid4(), "the-same-key"), (me, "third"), (me, "fourth")]
        told = await asyncio.gather(*(gate.admit(one, person, key, pace) for person, key in asked))
        assert [admission.key for admission in told] == [Key.NEW, Key.ON_ITS_WAY, Key.NEW, Key.NEW, Key.NEW]
        assert [admission.too_fast for admission in told] == [False, False, False, False, True]
        assert 0 < await valkey.ttl(key_space.reservation_pace(me)) <= 10

    async def test_a_valkey_that_lost_its_scripts_learns_them(self, valkey: Valkey):
        gate = Gate(valkey)
        await valkey.script_flush()
        told = await gate.admit(basket_of(uuid4(), [Line("CUP", 1)]), uuid4(), "a-key-of-mine", TRUSTED)
        assert told.answer is Answer.CLOSED


async def test_a_program_s_refusal_is_as_any_problem_and_is_not_logged(slots: Client, valkey: Valkey):
    assert (await slots.post("/reservations", **asking((SEAT, 10)))).status_code == 202
    with capture_logs() as logs:
        short = await slots.post("/reservations", **asking((SEAT, 1)))
    assert [one for one in logs if one["event"] == "problem"] == []
    browser: dict[str, Any] = asking((SEAT, 1))
    browser["headers"]["Sec-Fetch-Site"] = "same-origin"
    long = await slots.of(Someone.new()).post("/reservations", **browser)
    assert (short.status_code, short.headers["content-type"]) == (409, "application/problem+json")
    assert short.json()["correlation_id"] == short.headers["munjigi-correlation-id"]
    assert short.headers["cache-control"] == long.headers["cache-control"] == "no-store"
    without = {key: value for key, value in short.json().items() if key != "correlation_id"}
    assert without == {key: value for key, value in long.json().items() if key != "correlation_id"}


async def test_the_short_way_refuses_what_the_long_way_does(slots: Client):
    """By the same codes: no key, no sense, too large, another site, a reduced decision."""
    whole = asking((CLASS, 1))
    assert (await slots.post("/reservations", json=whole["json"])).json()["code"] == "MJ-TRD-001"
    for body in ({"lines": []}, {"lines": [{"sku": CLASS, "quantity": 0}]}, {"lines": 1}):
        answer = await slots.post("/reservations", json=body, headers=whole["headers"])
        assert (answer.status_code, answer.json()["code"]) == (422, "MJ-DOOR-005")
    large = {"lines": [{"sku": CLASS, "quantity": 1, "seats": ["x" * 70_000]}]}
    assert (await slots.post("/reservations", json=large, headers=whole["headers"])).status_code == 413
    foreign = {**whole["headers"], "Sec-Fetch-Site": "cross-site"}
    assert (await slots.post("/reservations", json=whole["json"], headers=foreign)).json()["code"] == "MJ-DOOR-002"
    reduced = slots.reduced("read_only")
    assert (await reduced.post("/reservations", **whole)).json()["code"] == "MJ-DOOR-007"
    twice = [await slots.post("/reservations", **whole) for _ in range(2)]
    assert [one.status_code for one in twice] == [202, 202]
    assert twice[0].json()["id"] == twice[1].json()["id"]
    assert twice[0].headers["location"] == f"/reservations/{twice[0].json()['id']}"
