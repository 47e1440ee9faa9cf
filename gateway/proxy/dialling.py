"""The way to a target: its address, TLS and names, one connection at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from gateway.routes.upstream_tls import UpstreamTls

P = TypeVar("P", bound=asyncio.BaseProtocol)

_AGAIN = (0.002, 0.05)
"""Seconds between two knocks at a socket with no room: at first, and at most."""


class Way:
    """To one target."""

    def __init__(self, address: str, tls: UpstreamTls | None) -> None:
        """`address`: `unix:/path` or `host:port`."""
        self.address = address
        self._context = None if tls is None else tls.context
        self._socket = address.removeprefix("unix:") if address.startswith("unix:") else None
        host, _, port = address.rpartition(":")
        self._host = host.strip("[]")
        self._port = 0 if self._socket is not None else int(port)
        self._name = None if tls is None else tls.server_name or self._host

    @property
    def host_field(self) -> str:
        """What a Host field says of it."""
        return "localhost" if self._socket is not None else self.address

    async def open(self, protocol: Callable[[], P]) -> P:
        """A connection that stands, TLS and the name in the certificate included.

        A host name is resolved anew each time, by the loop's own threads; its addresses are tried one after the other.
        At a unix socket with no room this waits, as the system does by itself for TCP. Raises `OSError`,
        `ssl.SSLError` being one. The caller bounds the time.
        """
        loop = asyncio.get_running_loop()
        if self._socket is not None:
            pause, longest = _AGAIN
            while True:
                try:
                    _, made = await loop.create_unix_connection(
                        protocol, self._socket, ssl=self._context, server_hostname=self._name
                    )
                    break
                except BlockingIOError:
                    await asyncio.sleep(pause)
                    pause = min(longest, 2 * pause)
        else:
            _, made = await loop.create_connection(
                protocol, self._host, self._port, ssl=self._context, server_hostname=self._name
            )
        return made
