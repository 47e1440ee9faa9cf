"""What one measurement says."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import msgspec


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table and of `results.json`."""

    id: str
    value: float
    unit: str
    peer: str
    """What else was measured in the same run, in words."""
    peer_value: float
    """In the same unit."""
    ratio: float
    """`value / peer_value`: whether more or less is better follows from the unit."""
    command: str
    """What repeats it."""

    @classmethod
    def against(cls, id: str, value: float, unit: str, peer: str, peer_value: float, command: str) -> Result:  # noqa: A002 - the field's name
        """A row with its ratio worked out."""
        return cls(
            id=id,
            value=value,
            unit=unit,
            peer=peer,
            peer_value=peer_value,
            ratio=value / peer_value,
            command=command,
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all do not exceed: the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def tell(line: str) -> None:
    """Say on standard error what is going on."""
    sys.stderr.write(f"{line}\n")
