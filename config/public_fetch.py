"""Documents that strangers name by their address, fetched without letting them look around in our own network.

The name is resolved here, each of its addresses must be a public one (or of a network that a setting allows), and the
connection goes to an address that was looked at. Neither redirects nor proxies are followed, and what comes is bounded
in size and time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx2

LARGEST: Final = 65_536
"""Bytes of a document."""
PATIENCE: Final = 5.0
"""Seconds for all of it."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Fetch = Callable[[str], Awaitable[bytes]]
"""The document at an address. Raises `NotFetched`."""


class NotFetched(Exception):
    """There is no document to be had; the message is for the log."""


class PublicFetch:
    """`await fetch(url)`; opens a connection for each document, since they are few."""

    def __init__(
        self,
        allowed: Iterable[str] = (),
        *,
        resolve: Resolve | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """`allowed`: networks (CIDR) that are not public and may be asked all the same, by plain `http`, too."""
        self._allowed = tuple(ipaddress.ip_network(network) for network in allowed)
        self._resolve = resolve or _resolve
        self._transport = transport

    async def __call__(self, url: str) -> bytes:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._fetch(url)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, ValueError) as error:
            raise NotFetched(type(error).__name__) from error

    async def _fetch(self, url: str) -> bytes:
        parts = urlsplit(url)
        host = parts.hostname
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
            raise NotFetched("not an address of the web")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = await self._target(host, port, plain=parts.scheme == "http")
        shown = f"[{address}]" if address.version == 6 else str(address)
        request = httpx2.Request(
            "GET",
            urlunsplit(parts._replace(netloc=f"{shown}:{port}", fragment="")),
            headers={"Host": parts.netloc, "Accept": "application/json", "User-Agent": "munjigi"},
            extensions={"sni_hostname": host},
        )
        async with httpx2.AsyncClient(
            transport=self._transport, timeout=PATIENCE, follow_redirects=False, trust_env=False
        ) as client:
            response = await client.send(request, stream=True)
            try:
                if response.status_code != 200:
                    raise NotFetched(f"answered {response.status_code}")
                return await _body(response)
            finally:
                await response.aclose()

    async def _target(self, host: str, port: int, *, plain: bool) -> Address:
        """The address to connect to. Raises `NotFetched` where one of the host's may not be asked."""
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in await self._resolve(host, port)]
        if not found or not all(self._may_be_asked(address, plain=plain) for address in found):
            raise NotFetched("not a public address")
        return found[0]

    def _may_be_asked(self, address: Address, *, plain: bool) -> bool:
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address.version == network.version and address in network for network in self._allowed):
            return True
        translated = any(address.version == 6 and address in network for network in _TRANSLATED)
        return not plain and address.is_global and not address.is_multicast and not translated


_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))
"""Translators and 6to4 reach IPv4 addresses that nobody looked at."""


async def _body(response: httpx2.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST:
            raise NotFetched("too large")
    return body


async def _resolve(host: str, port: int) -> Sequence[str]:
    if host == "localhost" or host.endswith(".localhost"):  # this machine's (RFC 6761, section 6.3)
        return ("127.0.0.1",)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_rest, sockaddr in found]
