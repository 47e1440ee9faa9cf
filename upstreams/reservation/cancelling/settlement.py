"""What a cancellation gives back: to the last won, whatever is cancelled in whatever order. Pure.

What was paid is spread over the units that it paid for, by their prices and to the largest remainder; the units of a
line have their share in order. So any parts that make up the whole give back the whole, fees and refunds together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from upstreams.reservation.cancelling.policy import WHOLE
from upstreams.trade.money import Money


@dataclass(frozen=True, slots=True)
class PaidLine:
    """So many of one thing, as they were reserved."""

    sku: str
    quantity: int
    unit_price: int
    """What each was to be paid in advance, in minor units; 0 where it is paid on the spot."""
    cancelled: int = 0
    """How many of them are cancelled already."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of the money of one line that is cancelled: `fee` and `refund` are its share of what was paid."""

    sku: str
    quantity: int
    fee: Money
    refund: Money


def settle(paid: Money, lines: Sequence[PaidLine], wanted: Mapping[str, int], fees: Mapping[str, int]) -> list[Settled]:
    """The money of so many of each thing, `fees` in basis points. All lines are given, wanted or not.

    Raises `ValueError` for more than is left of a line.
    """
    shares = _shares(paid, [line.unit_price * line.quantity for line in lines])
    settled = []
    for line, share in zip(lines, shares, strict=True):
        quantity = wanted.get(line.sku, 0)
        if not quantity:
            continue
        if quantity < 0 or line.cancelled + quantity > line.quantity:
            raise ValueError(f"that many are not kept: {line.sku}")
        until = _of_first(share, line.cancelled + quantity, line.quantity)
        worth = Money(until - _of_first(share, line.cancelled, line.quantity), paid.currency)
        fee, refund = worth.split([fees[line.sku], WHOLE - fees[line.sku]])
        settled.append(Settled(line.sku, quantity, fee, refund))
    return settled


def _shares(paid: Money, weights: Sequence[int]) -> list[int]:
    if not any(weights):
        return [0] * len(weights)
    return [share.minor for share in paid.split(weights)]


def _of_first(share: int, count: int, quantity: int) -> int:
    """What the first `count` units of a line are worth together: the odd ones go to the first."""
    each, odd = divmod(share, quantity)
    return each * count + min(count, odd)
