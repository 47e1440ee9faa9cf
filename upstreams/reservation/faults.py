"""Named points at which things can go wrong. The product passes them by; tests break off or kill the process there."""

from __future__ import annotations

from typing import Literal

Point = Literal[
    "gate_taken",  # the gate let a request in, which is not written yet
    "submitted",  # a request is durable and not in the line yet
    "taken",  # entries of the line are taken, nothing is decided
    "decided",  # a batch is written and not committed
    "committed",  # a batch is committed, its entries are not done and nobody is told
    "done",  # everything is done
    "changed",  # a change is committed and not told
]


class Faults:
    """None."""

    async def at(self, point: Point) -> None:
        """The process is at this point."""


NONE = Faults()
