"""An upstream as it stands in the file of routes."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from gateway.routes.told_entry import TokenEntry, read_told
from gateway.routes.upstream import Upstream
from gateway.vouching.told import Claim


class UpstreamEntry(msgspec.Struct, forbid_unknown_fields=True):
    """`[upstreams.NAME]`."""

    service: str | None = None
    socket: str | None = None
    address: str | None = None
    assertion: bool = True
    headers: dict[str, Claim] = {}
    token: TokenEntry | None = None


def read_upstream(name: str, entry: UpstreamEntry, runtime: Path) -> Upstream:
    """The upstream that an entry means; `runtime` is the folder of our own services' sockets.

    Raises `ValueError`, naming the entry.
    """
    told = read_told(name, assertion=entry.assertion, headers=entry.headers, token=entry.token)
    return Upstream(name, _address(name, entry, runtime), told)


def _address(name: str, entry: UpstreamEntry, runtime: Path) -> str:
    given = [value for value in (entry.service, entry.socket, entry.address) if value is not None]
    if len(given) != 1:
        raise ValueError(f"upstreams.{name}: exactly one of service, socket, address")
    if entry.service is not None:
        if not re.fullmatch(r"[a-z][a-z_]*", entry.service):
            raise ValueError(f"upstreams.{name}.service: the name of one of our services")
        return f"unix:{runtime / entry.service}.sock"
    if entry.socket is not None:
        if not entry.socket.startswith("/"):
            raise ValueError(f"upstreams.{name}.socket: an absolute path")
        return f"unix:{entry.socket}"
    address = entry.address or ""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"upstreams.{name}.address: host:port")
    return address
