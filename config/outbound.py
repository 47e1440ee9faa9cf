"""HTTP to addresses that others name: to what is public, and nowhere else (CWE-918; OWASP ASVS 5.0, 1.3.6).

A name is resolved once, every address of it must be allowed, and the connection goes to the very address that was
looked at: whoever owns the name cannot lead it elsewhere meanwhile. Neither redirects nor proxies are followed, and an
answer is read within a bound.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx2

PATIENCE = 10.0
"""Seconds for a whole exchange."""
TIMEOUTS = httpx2.Timeout(5.0, connect=3.0)

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_NOT_PUBLIC: Final = (
    ipaddress.ip_network("64:ff9b::/96"),  # NAT64 leads on to any address of IPv4
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("2002::/16"),  # so does 6to4
)


class Forbidden(Exception):
    """An address that this machine asks nothing of; the message says why, and may be shown to who named it."""


class Unanswered(Exception):
    """There was no answer that could be read; another time there may be."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Outbound:
    """Asks addresses that others named. `private` are networks that may be asked although they are not public."""

    def __init__(
        self, client: httpx2.AsyncClient, private: Sequence[Network] = (), resolve: Resolve | None = None
    ) -> None:
        self._client = client
        self._private = tuple(private)
        self._resolve = resolve or _resolve

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        uri: str,
        *,
        headers: Mapping[str, str],
        most: int,
        content: bytes | None = None,
    ) -> Answer:
        """One exchange; at most `most` bytes of an answer. Raises `Forbidden`, `Unanswered`."""
        url = self._url(uri)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(PATIENCE):
                address = await self._address(url, port)
                request = self._client.build_request(
                    method,
                    url.copy_with(host=str(address)),
                    headers={**headers, "Host": url.netloc.decode("ascii")},
                    content=content,
                )
                request.extensions = {**request.extensions, "sni_hostname": url.host}
                return await self._exchange(request, most)
        except (httpx2.HTTPError, OSError, TimeoutError) as error:
            raise Unanswered(type(error).__name__) from error

    async def _exchange(self, request: httpx2.Request, most: int) -> Answer:
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > most:
                    raise Unanswered("the answer is too long")
        finally:
            await response.aclose()
        return Answer(response.status_code, dict(response.headers), bytes(body))

    def _url(self, uri: str) -> httpx2.URL:
        try:
            url = httpx2.URL(uri)
        except (httpx2.InvalidURL, TypeError) as error:
            raise Forbidden("it is no address") from error
        if url.scheme not in ("https", "http") or not url.host or url.userinfo or url.fragment:
            raise Forbidden("an https address is expected")
        return url

    async def _address(self, url: httpx2.URL, port: int) -> IPAddress:
        addresses = [ipaddress.ip_address(found) for found in await self._resolve(url.host, port)]
        if not addresses:
            raise Unanswered("the name has no address")
        for address in addresses:
            allowed = any(address in network for network in self._private)
            if not allowed and not is_public(address):
                raise Forbidden("its address is not public")
            if url.scheme != "https" and not (allowed and address.is_loopback):
                raise Forbidden("an https address is expected")
        return addresses[0]


def is_public(address: IPAddress) -> bool:
    """Whether anybody in the world may be meant by an address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _NOT_PUBLIC) or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def networks(named: Sequence[str]) -> tuple[Network, ...]:
    """Networks from their CIDR. Raises `ValueError`."""
    return tuple(ipaddress.ip_network(one) for one in named)


async def _resolve(host: str, port: int) -> Sequence[str]:
    if host.endswith(".localhost"):  # this machine's (RFC 6761, section 6.3), whether its resolver knows it or not
        return ["127.0.0.1"]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]).partition("%")[0] for *_, address in found]
