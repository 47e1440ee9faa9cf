"""Waiting until gateways decide by what was published."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import typer

from cli.policies.exits import TooLong
from policy.admin.content_messages import GatewayEntry
from policy.client import PolicyClient

PAUSE = 0.2
"""Seconds between two looks."""


def wait_for(
    client: PolicyClient,
    version: int,
    seconds: float,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return once every gateway is heard, and decides by this version or a newer one; at once for 0 seconds.

    Raises `TooLong`, which names those that do not, and those that are not heard.
    """
    if not seconds:
        return
    until = monotonic() + seconds
    while True:
        reach = client.versions.reach()
        behind = _behind(reach.gateways, version)
        if reach.gateways and not behind and not reach.unheard:
            typer.echo(f"{len(reach.gateways)} gateways decide by it", err=True)
            return
        if monotonic() >= until:
            names = [f"{one.gateway} by {one.version}" for one in behind]
            names += [
                f"{one.gateway} is not heard since {_moment(one.at)}, then by {one.version}" for one in reach.unheard
            ]
            told = ", ".join(names) or "no gateway is there"
            raise TooLong(f"version {version} is published, but not everywhere after {seconds:g} s: {told}")
        sleep(PAUSE)


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}Z"


def _behind(gateways: tuple[GatewayEntry, ...], version: int) -> list[GatewayEntry]:
    return [one for one in gateways if one.version < version]
