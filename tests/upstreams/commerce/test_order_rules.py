"""The pure rules of orders: splits that sum to the won, fees, carts, states, numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.problem import Problem
from upstreams.commerce.cart.cart import Cart, merged
from upstreams.commerce.ledger.booking import Booking, Earned, Entry, earned, sale, taken_back
from upstreams.commerce.ledger.settlement import end_of
from upstreams.commerce.ledger.split import SoldLine, commission_of, undone, vat_within
from upstreams.commerce.ordering.planning import number_of
from upstreams.commerce.ordering.purchase import MAX_LINES, MAX_QUANTITY
from upstreams.commerce.ordering.states import CANCELLATION, ORDER, PURCHASE, SHIPMENT, follows_shipments, require
from upstreams.commerce.sellers.application import checksum_holds
from upstreams.commerce.shipping.rates import Method, Rule, checked, fee
from upstreams.trade.money import Money

NAMED = {"ko": "택배"}
sold = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 5_000_000)), min_size=1, max_size=8)
points = st.integers(0, 10_000)


def won(minor: int) -> Money:
    return Money(minor, "KRW")


@given(sold, points, st.randoms(use_true_random=False))
def test_a_split_undone_in_any_parts_leaves_nothing(lines: list[tuple[int, int]], basis: int, chance) -> None:
    goods = sum(quantity * price for quantity, price in lines)
    commission = commission_of(won(goods), basis)
    assert 0 <= commission.minor <= goods
    units = [index for index, (quantity, _) in enumerate(lines) for _ in range(quantity)]
    chance.shuffle(units)
    cuts = sorted({0, len(units), *(chance.randrange(len(units) + 1) for _ in range(3))})
    seller, gone, balance = uuid4(), [0] * len(lines), {}
    bookings = [sale(uuid4(), won(goods), [Earned(seller, goods, commission.minor)])]
    for start, end in pairwise(cuts):
        counts = [units[start:end].count(index) for index in range(len(lines))]
        state = [SoldLine(quantity, price, gone[index]) for index, (quantity, price) in enumerate(lines)]
        parts = undone(commission, state, counts)
        refund, house = sum(part.goods for part in parts), sum(part.commission for part in parts)
        assert 0 <= house <= refund
        gone = [before + count for before, count in zip(gone, counts, strict=True)]
        bookings.append(taken_back(uuid4(), seller, won(refund), house, delivered=False, kind="cancelled"))
    for booking in bookings:
        assert sum(entry.amount for entry in booking.entries) == 0
        for entry in booking.entries:
            balance[entry.account] = balance.get(entry.account, 0) + entry.amount
    assert balance.get("pending", 0) == balance.get("commission", 0) == 0
    assert balance.get("provider", 0) == -balance.get("customers", 0) == goods


@given(sold, points)
def test_more_than_was_sold_is_never_undone(lines: list[tuple[int, int]], basis: int) -> None:
    goods = sum(quantity * price for quantity, price in lines)
    state = [SoldLine(quantity, price) for quantity, price in lines]
    with pytest.raises(ValueError, match="not left"):
        undone(commission_of(won(goods), basis), state, [lines[0][0] + 1, *(0 for _ in lines[1:])])


@given(st.lists(st.tuples(st.integers(0, 10**9), points), min_size=1, max_size=6))
def test_a_sale_books_every_won_once(parts: list[tuple[int, int]]) -> None:
    orders = [Earned(uuid4(), total, commission_of(won(total), basis).minor) for total, basis in parts]
    booking = sale(uuid4(), won(sum(total for total, _ in parts)), orders)
    assert sum(entry.amount for entry in booking.entries) == 0
    assert all(entry.amount for entry in booking.entries)


def test_entries_that_do_not_sum_to_0_are_no_booking() -> None:
    with pytest.raises(ValueError, match="sum to 0"):
        Booking("sale", uuid4(), "KRW", [Entry("provider", 2), Entry("commission", -1)])
    assert earned(uuid4(), uuid4(), won(5)).entries[0].account == "pending"


@given(st.integers(-(10**12), 10**12))
def test_vat_is_a_tenth_of_the_supply_to_the_won(total: int) -> None:
    supply, vat = vat_within(won(total))
    assert supply.minor + vat.minor == total
    assert abs(10 * abs(vat.minor) - abs(supply.minor)) <= 10
    assert [one.minor for one in vat_within(won(11_000))] == [10_000, 1_000]


def test_a_parcel_costs_what_its_rule_says() -> None:
    rules = [Rule(None, 0, 3000, 50_000), Rule(None, 10_000, 5000, 100_000), Rule("jeju", 0, 6000)]
    way = Method("parcel", NAMED, 1, 3, checked(rules))
    assert fee(way, None, 49_999, 500) == 3000
    assert fee(way, None, 50_000, 500) == 0
    assert fee(way, None, 99_999, 10_000) == 5000
    assert fee(way, "jeju", 500_000, 20_000) == 6000
    assert fee(way, "island", 10, 9_999) == 3000
    assert way.days(date(2026, 12, 31)) == (date(2027, 1, 1), date(2027, 1, 3))
    for wrong in ([], [Rule("jeju", 0, 1)], [Rule(None, 0, 1), Rule(None, 0, 2)], [Rule(None, 5, 1)]):
        with pytest.raises(ValueError, match="one rule"):
            checked(wrong)
    with pytest.raises(ValueError, match="negative"):
        Rule(None, 0, -1)


carts = st.dictionaries(st.uuids(), st.integers(1, MAX_QUANTITY), max_size=MAX_LINES)


@given(carts, carts)
def test_carts_merge_without_refusing(own: dict[UUID, int], guest: dict[UUID, int]) -> None:
    person = uuid4()
    both = merged(Cart(uuid4(), person, own), Cart(uuid4(), None, guest))
    assert both.person == person
    assert len(both.items) <= MAX_LINES
    for offer, quantity in both.items.items():
        assert quantity == min(own.get(offer, 0) + guest.get(offer, 0), MAX_QUANTITY)
    assert set(own) <= set(both.items)


def test_a_cart_holds_so_much_and_no_more() -> None:
    cart = Cart(uuid4(), None, {uuid4(): 1 for _ in range(MAX_LINES)})
    offer = next(iter(cart.items))
    assert cart.added(offer, MAX_QUANTITY - 1).items[offer] == MAX_QUANTITY
    assert offer not in cart.changed(offer, 0).items
    for too_much in (lambda: cart.added(offer, MAX_QUANTITY), lambda: cart.added(uuid4(), 1)):
        with pytest.raises(Problem):
            too_much()


@pytest.mark.parametrize("states", [PURCHASE, ORDER, SHIPMENT, CANCELLATION])
def test_states_lead_to_states_that_there_are(states: dict[str, frozenset[str]]) -> None:
    assert frozenset().union(*states.values()) <= set(states)
    for state, following in states.items():
        for to in states:
            if to in following:
                require(states, state, to)
            else:
                with pytest.raises(Problem):
                    require(states, state, to)


def test_an_order_follows_its_shipments() -> None:
    assert follows_shipments([2], [0], [], "paid") is None
    assert follows_shipments([2], [1], ["shipped"], "paid") == "shipping"
    assert follows_shipments([2], [1], ["delivered"], "shipping") is None
    assert follows_shipments([2], [2], ["delivered", "shipped"], "shipping") is None
    assert follows_shipments([2], [2], ["delivered", "delivered"], "shipping") == "completed"
    assert follows_shipments([1, 0], [1, 0], ["delivered"], "shipping") == "completed"
    assert follows_shipments([2], [2], ["delivered", "lost"], "shipping") is None
    assert follows_shipments([2], [2], ["delivered"], "completed") is None


def test_numbers_months_and_registrations() -> None:
    late = datetime(2026, 12, 31, 15, 30, tzinfo=UTC)  # half past midnight in Seoul
    assert number_of(UUID(int=0), late) == "270101-222222"
    assert end_of(date(2026, 12, 1)) == datetime(2026, 12, 31, 15, tzinfo=UTC)
    assert end_of(date(2026, 1, 1)) == datetime(2026, 1, 31, 15, tzinfo=UTC)
    assert checksum_holds("1248100998")
    assert not checksum_holds("1248100999")
    assert not checksum_holds("12481")
