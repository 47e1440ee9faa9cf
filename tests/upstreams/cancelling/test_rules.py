"""Deadlines, fees, and money that adds up to the last won."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstreams.reservation.cancelling.policy import WHOLE, Deadline, Policy, policy_of
from upstreams.reservation.cancelling.settlement import PaidLine, settle
from upstreams.trade.money import Money

BEGINS = datetime(2026, 12, 5, 10, tzinfo=UTC)
POLICY = policy_of([Deadline(0, 5000), Deadline(72, 0), Deadline(24, 3000)])


@pytest.mark.parametrize(
    ("before", "fee"),
    [
        (timedelta(days=30), 0),
        (timedelta(hours=72), 0),
        (timedelta(hours=72) - timedelta(microseconds=1), 3000),
        (timedelta(hours=24), 3000),
        (timedelta(hours=24) - timedelta(microseconds=1), 5000),
        (timedelta(microseconds=1), 5000),
        (timedelta(0), None),
        (-timedelta(hours=1), None),
    ],
)
def test_the_first_deadline_that_is_not_past_decides(before: timedelta, fee: int | None) -> None:
    assert POLICY.fee(BEGINS, BEGINS - before) == fee


def test_what_no_policy_says() -> None:
    assert Policy().fee(BEGINS, BEGINS - timedelta(seconds=1)) == 0
    assert Policy().fee(BEGINS, BEGINS) is None
    assert Policy().fee(None, BEGINS) == 0
    assert POLICY.fee(None, BEGINS) == 0
    last = policy_of([Deadline(24, 1000)])
    assert last.fee(BEGINS, BEGINS - timedelta(hours=23)) is None


@pytest.mark.parametrize("wrong", [[Deadline(24, 0), Deadline(24, 1)], [Deadline(72, 5000), Deadline(24, 0)]])
def test_policies_that_nobody_would_understand(wrong: list[Deadline]) -> None:
    with pytest.raises(ValueError):
        policy_of(wrong)


LINES = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 200_000)), min_size=1, max_size=5).map(
    lambda drawn: [PaidLine(f"S-{n}", quantity, price) for n, (quantity, price) in enumerate(drawn)]
)


@given(LINES, st.data())
def test_any_parts_that_make_up_the_whole_give_back_the_whole(lines: list[PaidLine], data: st.DataObject) -> None:
    total = sum(line.quantity * line.unit_price for line in lines)
    paid = Money(data.draw(st.integers(0, total)), "KRW") if total else Money(0, "KRW")  # a discount, maybe
    done: Counter[str] = Counter()
    units = data.draw(st.permutations([line.sku for line in lines for _ in range(line.quantity)]))
    given_back = 0
    while units:
        count = data.draw(st.integers(1, len(units)))
        part, units = Counter(units[:count]), units[count:]
        fees = {line.sku: data.draw(st.integers(0, WHOLE)) for line in lines}
        now = [PaidLine(line.sku, line.quantity, line.unit_price, done[line.sku]) for line in lines]
        for one in settle(paid, now, part, fees):
            assert one.quantity == part[one.sku]
            assert one.fee.minor >= 0
            assert one.refund.minor >= 0
            exact = (one.fee.minor + one.refund.minor) * fees[one.sku] / WHOLE
            assert abs(one.fee.minor - exact) <= 1
            given_back += one.fee.minor + one.refund.minor
        done += part
    assert given_back == paid.minor


def test_more_than_is_left_is_refused() -> None:
    lines = [PaidLine("S", 3, 1000, cancelled=2)]
    with pytest.raises(ValueError):
        settle(Money(3000, "KRW"), lines, {"S": 2}, {"S": 0})


def test_the_odd_won_is_given_once() -> None:
    """Three seats for 100 won together, one by one: 34, 33, 33."""
    refunds = [
        settle(Money(100, "KRW"), [PaidLine("S", 3, 40, cancelled)], {"S": 1}, {"S": 0})[0].refund.minor
        for cancelled in range(3)
    ]
    assert refunds == [34, 33, 33]
