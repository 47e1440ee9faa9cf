"""Named points at which things can go wrong. The product passes them by; tests break off or kill the process there."""

from __future__ import annotations

from typing import Literal

Point = Literal[
    "placed",  # an order is written and not committed
    "place_committed",  # an order is committed, and nobody is told
    "begun",  # the provider knows of the payment, and nobody is led there
    "returned",  # its person came back, and that is not written
    "paid",  # it is paid, and that is written and not committed
    "paid_committed",  # it is paid and committed, and nobody is told
    "cancelled",  # it is cancelled, and that is written and not committed
    "refunded",  # the money is back, and that is written and not committed
]


class Faults:
    """None."""

    async def at(self, point: Point) -> None:
        """The process is at this point."""


NONE = Faults()
