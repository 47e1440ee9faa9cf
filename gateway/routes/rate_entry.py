"""Rates as they stand in the file of routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from gateway.limits.rate import Per, Rate

_MOST_BURST = 1_000_000
_LONGEST = 86_400
_FASTEST = 100_000


class RateEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One of `rates`, of a zone or a route."""

    per: Literal["person", "client", "address", "route"]
    requests: int
    seconds: int
    burst: int | None = None


def read_rates(where: str, entries: Iterable[RateEntry], scope: str) -> tuple[Rate, ...]:
    """The rates that entries mean; `scope` is what they are declared for. Raises `ValueError`, naming the entry."""
    rates = tuple(_rate(where, entry, scope) for entry in entries)
    if len({(rate.per, rate.requests, rate.seconds) for rate in rates}) < len(rates):
        raise ValueError(f"{where}.rates: one stands there twice")
    return rates


def _rate(where: str, entry: RateEntry, scope: str) -> Rate:
    burst = entry.requests if entry.burst is None else entry.burst
    if not 1 <= entry.seconds <= _LONGEST:
        raise ValueError(f"{where}.rates.seconds: 1 to {_LONGEST}")
    if not 1 <= entry.requests <= _FASTEST * entry.seconds:
        raise ValueError(f"{where}.rates.requests: 1 or more, and no more than {_FASTEST} a second")
    if not 1 <= burst <= _MOST_BURST:
        raise ValueError(f"{where}.rates.burst: 1 to {_MOST_BURST}")
    return Rate(Per(entry.per), entry.requests, entry.seconds, burst, scope)
