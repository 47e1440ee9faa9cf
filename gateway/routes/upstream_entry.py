"""An upstream as it stands in the file of routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.routes.told_entry import TokenEntry, read_told
from gateway.routes.upstream import Bounds, Check, Ejection, Upstream
from gateway.routes.upstream_tls import TlsEntry, read_tls
from gateway.vouching.told import Claim

_SERVICE = re.compile(r"[a-z][a-z_]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_CHECK_PATH = re.compile(r"/[!-~]*")
_CHECK_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]+")
_TARGETS = 64
_CHECK, _EJECTION = Check("/"), Ejection()


class CheckEntry(msgspec.Struct, forbid_unknown_fields=True):
    """`check` of an upstream."""

    path: str
    host: str | None = None
    interval: float = _CHECK.interval
    timeout: float = _CHECK.timeout
    status: int = _CHECK.status
    failures: int = _CHECK.failures


class EjectionEntry(msgspec.Struct, forbid_unknown_fields=True):
    """`ejection` of an upstream."""

    failures: int = _EJECTION.failures
    rest: float = _EJECTION.rest
    longest: float = _EJECTION.longest


class UpstreamEntry(msgspec.Struct, forbid_unknown_fields=True):
    """`[upstreams.NAME]`."""

    service: str | None = None
    socket: str | None = None
    address: str | None = None
    targets: list[str] | None = None
    tls: TlsEntry | None = None
    check: CheckEntry | None = None
    ejection: EjectionEntry = msgspec.field(default_factory=EjectionEntry)
    connect: float | None = None
    first_byte: float | None = None
    idle: float | None = None
    total: float | None = None
    keep_alive: float | None = None
    connections: int | None = None
    waiting: int | None = None
    assertion: bool = True
    headers: dict[str, Claim] = {}
    token: TokenEntry | None = None


def read_upstream(name: str, given: Mapping[str, object], runtime: Path) -> Upstream:
    """The upstream that an entry means; `runtime` is the folder of our own services' sockets.

    Raises `ValueError`, naming the entry.
    """
    where = f"upstreams.{name}"
    try:
        entry = msgspec.convert(given, UpstreamEntry)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from error
    targets = _targets(where, entry, runtime)
    return Upstream(
        name,
        targets[0],
        targets[1:],
        tls=None if entry.tls is None else read_tls(f"{where}.tls", entry.tls, targets),
        check=None if entry.check is None else _check(f"{where}.check", entry.check),
        ejection=_ejection(f"{where}.ejection", entry.ejection),
        bounds=_bounds(where, entry),
        told=read_told(name, assertion=entry.assertion, headers=entry.headers, token=entry.token),
    )


def _targets(where: str, entry: UpstreamEntry, runtime: Path) -> tuple[str, ...]:
    ways = [value for value in (entry.service, entry.socket, entry.address, entry.targets) if value is not None]
    if len(ways) != 1:
        raise ValueError(f"{where}: exactly one of service, socket, address, targets")
    if entry.service is not None:
        return (_service(f"{where}.service", entry.service, runtime),)
    if entry.socket is not None:
        return (_socket(f"{where}.socket", entry.socket),)
    if entry.address is not None:
        return (_address(f"{where}.address", entry.address),)
    targets = tuple(_target(f"{where}.targets", value, runtime) for value in entry.targets or ())
    if not 1 <= len(targets) <= _TARGETS:
        raise ValueError(f"{where}.targets: from 1 to {_TARGETS} of them")
    for target in targets:
        if targets.count(target) > 1:
            raise ValueError(f"{where}.targets: {target} stands twice")
    return targets


def _target(where: str, value: str, runtime: Path) -> str:
    if value.startswith("unix:"):
        return _socket(where, value.removeprefix("unix:"))
    return _address(where, value) if ":" in value else _service(where, value, runtime)


def _service(where: str, name: str, runtime: Path) -> str:
    if not _SERVICE.fullmatch(name):
        raise ValueError(f"{where}: {name!r} is not the name of one of our services")
    return f"unix:{runtime / name}.sock"


def _socket(where: str, path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"{where}: {path!r} is not an absolute path")
    return f"unix:{path}"


def _address(where: str, address: str) -> str:
    host, _, port = address.rpartition(":")
    if not _HOST.fullmatch(host) or not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 65536:
        raise ValueError(f"{where}: {address!r} is not host:port")
    return address


def _check(where: str, entry: CheckEntry) -> Check:
    if not _CHECK_PATH.fullmatch(entry.path):
        raise ValueError(f"{where}.path: starts with / and holds no spaces")
    if entry.host is not None and not _CHECK_HOST.fullmatch(entry.host):
        raise ValueError(f"{where}.host: a host, maybe with its port")
    if not 0.1 <= entry.interval <= 3600:
        raise ValueError(f"{where}.interval: from 0.1 to 3600 seconds")
    if not 0 < entry.timeout <= 60:
        raise ValueError(f"{where}.timeout: more than 0, at most 60 seconds")
    if not 200 <= entry.status <= 599:
        raise ValueError(f"{where}.status: from 200 to 599")
    if not 1 <= entry.failures <= 100:
        raise ValueError(f"{where}.failures: from 1 to 100")
    return Check(entry.path, entry.host, entry.interval, entry.timeout, entry.status, entry.failures)


def _ejection(where: str, entry: EjectionEntry) -> Ejection:
    if not 1 <= entry.failures <= 1000:
        raise ValueError(f"{where}.failures: from 1 to 1000")
    if not 0 < entry.rest <= entry.longest <= 3600:
        raise ValueError(f"{where}: rest is more than 0 and at most longest, which is at most 3600 seconds")
    return Ejection(entry.failures, entry.rest, entry.longest)


def _bounds(where: str, entry: UpstreamEntry) -> Bounds:
    times = {name: getattr(entry, name) for name in ("connect", "first_byte", "idle", "total", "keep_alive")}
    for name, seconds in times.items():
        if seconds is not None and not 0 < seconds <= 86400:
            raise ValueError(f"{where}.{name}: more than 0, at most 86400 seconds")
    if entry.connections is not None and not 1 <= entry.connections <= 65536:
        raise ValueError(f"{where}.connections: from 1 to 65536")
    if entry.waiting is not None and not 0 <= entry.waiting <= 1_000_000:
        raise ValueError(f"{where}.waiting: from 0 to 1000000")
    return Bounds(**times, connections=entry.connections, waiting=entry.waiting)
