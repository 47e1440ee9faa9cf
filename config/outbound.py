"""HTTP to addresses that others name: to what is public, and nowhere else (CWE-918; OWASP ASVS 5.0, 1.3.6).

Clients, organisations and transmitters name addresses of keys, documents and endpoints. A name is resolved once, every
address of it must be allowed, and the connection goes to an address that was looked at: whoever owns the name cannot
lead it elsewhere meanwhile. Neither redirects nor proxies are followed, an answer is read within a bound, and each
exchange has a connection of its own, so that what one host proved, or set, serves no other.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx2

from config.settings import Settings
from config.this_machine import LOOPBACK, is_localhost, is_this_machine

PATIENCE = 10.0
"""Seconds for a whole exchange, the look-up of the name included."""
TIMEOUTS = httpx2.Timeout(5.0, connect=3.0)
LONGEST: Final = 2048
"""Characters of an address."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_NOT_PUBLIC: Final = (
    ipaddress.ip_network("64:ff9b::/96"),  # NAT64 leads on to any address of IPv4
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("2002::/16"),  # so does 6to4
)


class NotFetched(Exception):
    """Nothing usable came from there."""


class Forbidden(NotFetched):
    """An address that this machine asks nothing of; the message says why, and may be shown to who named it."""


class Unanswered(NotFetched):
    """There was no answer that could be read; another time there may be."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, [{len(self.body)} bytes])"


class Fetch(Protocol):
    """How a document is fetched."""

    async def __call__(self, uri: str, *, most: int) -> bytes:
        """The body of a 200 answer of at most so many bytes. Raises `NotFetched`."""


class Outbound:
    """Asks addresses that others named."""

    def __init__(
        self,
        private: Sequence[Network] = (),
        *,
        this_machine: bool = False,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`private`: networks that may be asked although they are not public. `this_machine`: whether it may be asked,
        too. Either may be asked without TLS where it is this machine, and nobody else."""
        self._private = tuple(private)
        self._this_machine = this_machine
        self._resolve = resolve or _resolve
        self._tls = tls

    @classmethod
    def of(cls, settings: Settings) -> Outbound:
        """As it is set; a house whose issuer is on this machine asks this machine, for its own developers."""
        this_machine = is_this_machine(urlsplit(settings.idp.issuer).hostname or "")
        return cls(networks(settings.outbound.private), this_machine=this_machine)

    async def fetch(self, uri: str, *, most: int) -> bytes:
        """`Fetch`. Raises `Forbidden`, `Unanswered`."""
        answer = await self.ask("GET", uri, headers={"Accept": "application/json"}, most=most)
        if answer.status != 200:
            raise Unanswered(f"it answered {answer.status}")
        return answer.body

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
        url = _url(uri)
        tls = self._tls or _authorities()  # read once, which takes a moment that is not the other side's
        try:
            async with asyncio.timeout(PATIENCE):
                addresses = await self._addresses(url)
                async with httpx2.AsyncClient(
                    timeout=TIMEOUTS, follow_redirects=False, trust_env=False, verify=tls
                ) as client:
                    for address in addresses[:-1]:
                        try:
                            return await _exchange(client, method, url, address, headers, content, most)
                        except httpx2.ConnectError:
                            continue  # the next address of the same name
                    return await _exchange(client, method, url, addresses[-1], headers, content, most)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, ValueError) as error:
            raise Unanswered(type(error).__name__) from error

    async def _addresses(self, url: httpx2.URL) -> Sequence[IPAddress]:
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = [ipaddress.ip_address(found) for found in await self._resolve(url.host, port)]
        if not addresses:
            raise Unanswered("the name has no address")
        for address in addresses:
            if not self._allows(address):
                raise Forbidden("its address is not public")
            if url.scheme != "https" and not address.is_loopback:
                raise Forbidden("an https address is expected")
        return list(dict.fromkeys(addresses))

    def _allows(self, address: IPAddress) -> bool:
        real = getattr(address, "ipv4_mapped", None) or address
        if real.is_loopback and self._this_machine:
            return True
        return is_public(address) or any(real.version == one.version and real in one for one in self._private)


async def _exchange(
    client: httpx2.AsyncClient,
    method: str,
    url: httpx2.URL,
    address: IPAddress,
    headers: Mapping[str, str],
    content: bytes | None,
    most: int,
) -> Answer:
    request = client.build_request(
        method,
        url.copy_with(host=str(address)),
        # identity: of an answer that unfolds, a bound on what is read bounds nothing
        headers={"Accept-Encoding": "identity", **headers, "Host": url.netloc.decode("ascii")},
        content=content,
    )
    request.extensions = {**request.extensions, "sni_hostname": url.host}
    response = await client.send(request, stream=True)
    try:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Unanswered("the answer is encoded")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > most:
                raise Unanswered("the answer is too long")
    finally:
        await response.aclose()
    return Answer(response.status_code, dict(response.headers), bytes(body))


def _url(uri: str) -> httpx2.URL:
    try:
        url = httpx2.URL(uri) if len(uri) <= LONGEST else None
    except (httpx2.InvalidURL, TypeError) as error:
        raise Forbidden("it is no address") from error
    if url is None or url.scheme not in ("https", "http") or not url.host or url.userinfo or url.fragment:
        raise Forbidden("an https address is expected")
    return url


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
    if is_localhost(host):
        return [LOOPBACK]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]).partition("%")[0] for *_, address in found]


@cache
def _authorities() -> ssl.SSLContext:
    return ssl.create_default_context()
