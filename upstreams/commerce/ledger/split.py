"""How a payment is split among sellers and the house, and how that is undone, to the last won. Pure.

A seller's share is its goods and its shipping less the commission on the goods. Goods and commission are spread over
the units that were ordered, each unit's part fixed by its place in the line; so whatever is cancelled in whatever
order, parts that make up the whole give back the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from upstreams.trade.money import Money

WHOLE = 10_000
"""Basis points."""
VAT = 10
"""Percent of the supply; prices include it (Value-Added Tax Act of Korea, article 30)."""


@dataclass(frozen=True, slots=True)
class SoldLine:
    """So many of one thing, as they were ordered."""

    quantity: int
    unit_price: int
    gone: int = 0
    """How many of them were cancelled or sent back before."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What goes back for some units: `goods` to the customer, of which `commission` was the house's."""

    goods: int
    commission: int


def commission_of(goods: Money, basis_points: int) -> Money:
    """The house's part of goods."""
    if not 0 <= basis_points <= WHOLE:
        raise ValueError("basis points are 0 to 10,000")
    return goods.split([basis_points, WHOLE - basis_points])[0]


def vat_within(total: Money) -> tuple[Money, Money]:
    """(supply, VAT) of a sum that includes it."""
    supply, vat = Money(abs(total.minor), total.currency).split([100, VAT])
    return (supply, vat) if total.minor >= 0 else (supply * -1, vat * -1)


def undone(commission: Money, lines: Sequence[SoldLine], counts: Sequence[int]) -> list[Undone]:
    """What so many of each line give back; `commission` is that of the whole order.

    Raises `ValueError` for more than is left of a line.
    """
    weights = [line.unit_price * line.quantity for line in lines]
    shares = [part.minor for part in commission.split(weights)] if any(weights) else [0] * len(lines)
    result = []
    for line, share, count in zip(lines, shares, counts, strict=True):
        if count < 0 or line.gone + count > line.quantity:
            raise ValueError("that many are not left")
        until = _of_first(share, line.gone + count, line.quantity)
        result.append(Undone(line.unit_price * count, until - _of_first(share, line.gone, line.quantity)))
    return result


def _of_first(share: int, count: int, quantity: int) -> int:
    """What the first `count` units of a line are worth together: the odd ones go to the first."""
    each, odd = divmod(share, quantity)
    return each * count + min(count, odd)
