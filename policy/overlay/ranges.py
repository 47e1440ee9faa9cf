"""Ranges of addresses, looked up fast: many that only count as listed, or few that each mean something."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Generic, TypeVar

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Meaning = TypeVar("Meaning")
_BITS = {4: 32, 6: 128}


@lru_cache(maxsize=4096)
def address_of(text: str) -> tuple[int, int] | None:
    """Version and number of an address; an IPv4 address in the form of IPv6 is the IPv4 address. None: it is none."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return parsed.version, int(parsed)


class Listed:
    """A list of ranges, merged and sorted: an address is on it or not, by one bisection."""

    def __init__(self, networks: Iterable[Network]) -> None:
        spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for network in networks:
            first = int(network.network_address)
            spans[network.version].append((first, first + network.num_addresses - 1))
        self._firsts: dict[int, list[int]] = {}
        self._lasts: dict[int, list[int]] = {}
        for version, found in spans.items():
            merged = list(_merged(sorted(found)))
            self._firsts[version] = [first for first, _ in merged]
            self._lasts[version] = [last for _, last in merged]

    def __len__(self) -> int:
        """How many ranges are left once those that touch are one."""
        return sum(map(len, self._firsts.values()))

    def holds(self, address: tuple[int, int]) -> bool:
        """Whether an address, as `address_of` has it, is in one of the ranges."""
        version, number = address
        at = bisect_right(self._firsts[version], number) - 1
        return at >= 0 and number <= self._lasts[version][at]


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for first, last in spans:
        if held is not None and first <= held[1] + 1:
            held = held[0], max(held[1], last)
            continue
        if held is not None:
            yield held
        held = first, last
    if held is not None:
        yield held


class Nested(Generic[Meaning]):
    """Ranges that may lie in one another, each with what it means: one look-up for each length of prefix there is."""

    def __init__(self, entries: Iterable[tuple[Network, Meaning]]) -> None:
        self._by_length: dict[tuple[int, int], dict[int, tuple[Meaning, ...]]] = {}
        for network, meaning in entries:
            shift = _BITS[network.version] - network.prefixlen
            of_length = self._by_length.setdefault((network.version, shift), {})
            prefix = int(network.network_address) >> shift
            of_length[prefix] = (*of_length.get(prefix, ()), meaning)

    def __bool__(self) -> bool:
        return bool(self._by_length)

    def of(self, address: tuple[int, int]) -> Iterator[Meaning]:
        """What all ranges that hold an address mean."""
        version, number = address
        for (of_version, shift), of_length in self._by_length.items():
            if of_version == version:
                yield from of_length.get(number >> shift, ())
