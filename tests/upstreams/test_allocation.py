"""First come, first served: the pure part, against serial processing and against itself."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstreams.trade.allocation import Line, Outcome, Refusal, Shelf, allocate, basket_of

SKUS = ("TEA", "BOWL", "SEAT")
lines = st.lists(st.builds(Line, st.sampled_from((*SKUS, "NONE")), st.integers(1, 5)), min_size=1, max_size=4)
orders = st.lists(lines, max_size=12).map(
    lambda asked: [basket_of(UUID(int=number), one) for number, one in enumerate(asked)]
)
shelves = st.lists(
    st.builds(Shelf, st.sampled_from(SKUS), st.sampled_from(("east", "west")), st.integers(0, 12)),
    unique_by=lambda shelf: (shelf.sku, shelf.warehouse),
).map(lambda found: sorted(found, key=lambda shelf: (shelf.sku, shelf.warehouse)))


def after(before: list[Shelf], outcome: Outcome) -> list[Shelf]:
    gone = Counter({(taken.sku, taken.warehouse): taken.quantity for taken in outcome.taken})
    return [Shelf(shelf.sku, shelf.warehouse, shelf.available - gone[shelf.sku, shelf.warehouse]) for shelf in before]


@given(orders, shelves)
def test_a_batch_decides_as_its_baskets_would_one_by_one(baskets, shown):
    one_by_one, left = [], shown
    for basket in baskets:
        outcome = allocate([basket], left)[0]
        one_by_one.append(outcome)
        left = after(left, outcome)
    assert allocate(baskets, shown) == one_by_one


@given(orders, shelves)
def test_nothing_is_taken_that_is_not_there(baskets, shown):
    taken: Counter[tuple[str, str]] = Counter()
    for outcome in allocate(baskets, shown):
        for part in outcome.taken:
            assert part.quantity > 0
            taken[part.sku, part.warehouse] += part.quantity
    available = {(shelf.sku, shelf.warehouse): shelf.available for shelf in shown}
    assert all(count <= available[place] for place, count in taken.items())


@given(orders, shelves)
def test_a_basket_gets_all_or_nothing(baskets, shown):
    for basket, outcome in zip(baskets, allocate(baskets, shown), strict=True):
        got: Counter[str] = Counter()
        for part in outcome.taken:
            got[part.sku] += part.quantity
        assert got == ({} if outcome.refusal else {line.sku: line.quantity for line in basket.lines})


@given(orders, shelves)
def test_a_refusal_is_true_at_its_turn(baskets, shown):
    left = shown
    for basket, outcome in zip(baskets, allocate(baskets, shown), strict=True):
        have: Counter[str] = Counter()
        for shelf in left:
            have[shelf.sku] += shelf.available
        known = {shelf.sku for shelf in left}
        if outcome.refusal is Refusal.UNKNOWN:
            assert any(line.sku not in known for line in basket.lines)
        elif outcome.refusal is Refusal.SOLD_OUT:
            assert any(line.quantity > have[line.sku] for line in basket.lines)
        left = after(left, outcome)


def test_two_lines_of_one_thing_are_one_line():
    basket = basket_of(UUID(int=1), [Line("TEA", 3), Line("TEA", 3)])
    assert basket.lines == (Line("TEA", 6),)
    assert allocate([basket], [Shelf("TEA", "east", 5)])[0].refusal is Refusal.SOLD_OUT


@pytest.mark.parametrize("asked", [[], [Line("TEA", 0)], [Line("TEA", 2), Line("TEA", -1)]])
def test_an_impossible_basket_is_not_made(asked):
    with pytest.raises(ValueError):
        basket_of(UUID(int=1), asked)
