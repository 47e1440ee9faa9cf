"""What is fetched from an address that a client registered: its keys, its request objects.

Strangers may name such addresses, so that none leads inside: the name is resolved once, every address of it must be a
public one, and the connection goes to that very address. Where the provider itself runs on this machine for its own
developers, and there alone, this machine may be asked too. No redirect is followed, no proxy asked, nothing kept.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from functools import cache
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import httpx2

from idp.protocol.redirect_uri import is_registrable

PATIENCE = 5.0
"""Seconds for a whole answer, the look-up of the name included."""
TIMEOUTS = httpx2.Timeout(3.0, connect=2.0)


class Unreachable(Exception):
    """Nothing usable came from there; the message says why, for the log alone."""


class Fetch(Protocol):
    """How something is fetched."""

    async def get(self, url: str, *, largest: int) -> bytes:
        """The body of a 200 answer of at most so many bytes. Raises `Unreachable`."""


class Outbound:
    """`Fetch` over HTTP."""

    def __init__(self, issuer: str) -> None:
        """`issuer`: this provider's own; one on `localhost` may fetch from this machine."""
        host = urlsplit(issuer).hostname or ""
        self._to_this_machine = _is_this_machine(host)

    async def get(self, url: str, *, largest: int) -> bytes:
        """The body of a 200 answer of at most so many bytes. Raises `Unreachable`."""
        certificates = _certificates()  # read once, which takes a moment that is not the other side's
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._get(url, largest, certificates)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, ValueError) as error:
            raise Unreachable(type(error).__name__) from error

    async def _get(self, url: str, largest: int, certificates: ssl.SSLContext) -> bytes:
        if not is_registrable(url):
            raise Unreachable("the address may not be asked")
        parts = urlsplit(url)
        address = await self._address(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        shown = f"[{address}]" if ":" in address else address
        netloc = shown if parts.port is None else f"{shown}:{parts.port}"
        headers = {"Host": parts.netloc, "Accept-Encoding": "identity"}
        # a client of its own for each: what one server sets, no other ever sees
        async with httpx2.AsyncClient(
            timeout=TIMEOUTS, follow_redirects=False, trust_env=False, verify=certificates
        ) as client:
            request = client.build_request("GET", urlunsplit(parts._replace(netloc=netloc)), headers=headers)
            request.extensions = {**request.extensions, "sni_hostname": parts.hostname or ""}
            response = await client.send(request, stream=True)
            try:
                return await _body(response, largest)
            finally:
                await response.aclose()

    async def _address(self, host: str, port: int) -> str:
        if _is_this_machine(host):
            if not self._to_this_machine:
                raise Unreachable("the address is this machine's")
            return host if _is_address(host) else "127.0.0.1"
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(is_public(address) for address in addresses):
            raise Unreachable("the name leads to an address that is not public")
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public Internet's, also where it is wrapped into another."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    wrapped = [ip]
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped += [one for one in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())) if one is not None]
        if ip in _NAT64:
            wrapped.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return all(one.is_global and not one.is_multicast for one in wrapped)


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


async def _body(response: httpx2.Response, largest: int) -> bytes:
    if response.status_code != 200:
        raise Unreachable(f"it answered {response.status_code}")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > largest:
            raise Unreachable("the answer is too large")
    return bytes(body)


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()
