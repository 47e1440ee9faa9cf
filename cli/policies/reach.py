"""Waiting until gateways decide by what was published."""

from __future__ import annotations

import time
from collections.abc import Callable

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
    """Return once every gateway that is there decides by this version, or a newer one; at once for 0 seconds.

    Raises `TooLong`.
    """
    if not seconds:
        return
    until = monotonic() + seconds
    while True:
        gateways = client.versions.reach().gateways
        behind = _behind(gateways, version)
        if gateways and not behind:
            typer.echo(f"{len(gateways)} gateways decide by it", err=True)
            return
        if monotonic() >= until:
            names = ", ".join(f"{one.gateway} by {one.version}" for one in behind) or "no gateway is there"
            raise TooLong(f"version {version} is published, but not everywhere after {seconds:g} s: {names}")
        sleep(PAUSE)


def _behind(gateways: tuple[GatewayEntry, ...], version: int) -> list[GatewayEntry]:
    return [one for one in gateways if one.version < version]
