"""A threat feed: a list of addresses and ranges (CIDR), one a line, that attacks came from.

What lists of this kind have in common is understood: `#` and `;` begin a remark, blank lines count for nothing. A line
that is anything else makes the whole list damaged: half a list is not known to be the half that matters.
"""

from __future__ import annotations

import ipaddress

from config.subscriber import BITS_OF_ONE
from policy.overlay.measure import WIDEST
from policy.overlay.ranges import Listed, Network

LARGEST = 16 * 1024 * 1024
"""Bytes of one list."""
MOST = 250_000
"""Lines that name something."""


class DamagedFeed(ValueError):
    """A list that is not used; the message says which line, and what is expected."""


def read(content: bytes) -> Listed:
    """The ranges of a list. Raises `DamagedFeed`."""
    if len(content) > LARGEST:
        raise DamagedFeed(f"a feed has at most {LARGEST} bytes")
    if not content.strip():
        raise DamagedFeed("it is empty; a list of nothing says so in a remark")
    if not content.endswith(b"\n"):
        raise DamagedFeed("its last line does not end: it was cut off")
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise DamagedFeed(f"byte {error.start} is not ASCII") from error
    networks: list[Network] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if named := line.partition("#")[0].partition(";")[0].strip():
            networks.append(_network(named, number))
            if len(networks) > MOST:
                raise DamagedFeed(f"a feed names at most {MOST} addresses and ranges")
    return Listed(networks)


def _network(named: str, line: int) -> Network:
    try:
        network = ipaddress.ip_network(named)
    except ValueError as error:
        raise DamagedFeed(f"line {line}: an address or a range (CIDR) is expected") from error
    if network.prefixlen < WIDEST[network.version]:
        raise DamagedFeed(f"line {line}: a range of IPv{network.version} has at least {WIDEST[network.version]} bits")
    # a subscriber of IPv6 changes the address within the network at will: one that is listed lists all of it
    widest = BITS_OF_ONE[network.version]
    return network if network.prefixlen <= widest else network.supernet(new_prefix=widest)
