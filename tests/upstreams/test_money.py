"""Money: whole minor units, split without losing one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstreams.trade.money import Money


@given(
    st.integers(0, 10**12),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=9).filter(lambda weights: sum(weights) > 0),
)
def test_parts_sum_to_the_whole_and_are_fair(minor, weights):
    parts = [part.minor for part in Money(minor, "KRW").split(weights)]
    assert sum(parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        exact = minor * weight / sum(weights)
        assert abs(part - exact) <= 1 + exact * 1e-9


def test_the_largest_remainder_gets_the_odd_won():
    assert [part.minor for part in Money(100, "KRW").split([1, 1, 1])] == [34, 33, 33]
    assert [part.minor for part in Money(10, "KRW").split([1, 5, 5])] == [1, 5, 4]


def test_the_exponent_is_the_currency_s():
    assert Money(12900, "KRW").amount == Decimal(12900)
    assert Money(500, "USD").amount == Decimal("5.00")


def test_currencies_do_not_mix():
    with pytest.raises(ValueError):
        Money(1, "KRW") + Money(1, "USD")
    with pytest.raises(ValueError):
        Money(1, "XXX")
    with pytest.raises(ValueError):
        Money(1, "KRW").split([0, 0])
