"""Requests to upstream providers: where they may go, how long they may take, how much is read of an answer.

A name is looked up once, every address of it is judged, and the connection goes to one that was judged: a name that
leads elsewhere the next moment leads nobody astray. No redirects, no proxies, no cookies, a connection for each
request.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx2

from idp.federation.problems import UpstreamUnreachable
from idp.federation.targets import IPAddress, Targets

PATIENCE = 10.0
"""Seconds for a whole exchange, the look-up of the name included."""
LARGEST = 262_144
"""Bytes of an answer."""
_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")

LookUp = Callable[[str, int], Awaitable[Sequence[IPAddress]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    media_type: str
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {self.media_type}, [{len(self.body)} bytes])"


class Outbound:
    """Asks."""

    def __init__(self, targets: Targets, *, patience: float = PATIENCE, look_up: LookUp | None = None) -> None:
        self.targets = targets
        self._patience = patience
        self._look_up = look_up or look_up_name
        self._tls: ssl.SSLContext | None = None

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """`GET`. Raises `UpstreamUnreachable`."""
        return await self._ask("GET", url, headers, None)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """`POST` of a form. Raises `UpstreamUnreachable`."""
        return await self._ask("POST", url, headers, form)

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Answer:
        host = urlsplit(url).hostname
        try:
            async with asyncio.timeout(self._patience):
                if not self.targets.allows_uri(url):
                    raise UpstreamUnreachable(f"not an address that may be asked: {url!r}")
                return await self._reach(method, url, headers, form, await self._addresses(url))
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, ValueError) as error:
            raise UpstreamUnreachable(f"{method} {host}: {type(error).__name__}") from error

    async def _addresses(self, url: str) -> Sequence[IPAddress]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, section 6.3
            found: Sequence[IPAddress] = [_LOOPBACK]
        else:
            found = await self._look_up(host, parts.port or 443)
        if not found or not all(self.targets.allows_address(address) for address in found):
            raise UpstreamUnreachable(f"{host} leads to an address that is not asked")
        return found

    async def _reach(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        addresses: Sequence[IPAddress],
    ) -> Answer:
        tls = self._tls = self._tls or httpx2.create_ssl_context()
        async with httpx2.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=None) as client:
            for address in addresses[:-1]:
                try:
                    return await self._exchange(client, method, url, headers, form, address)
                except httpx2.ConnectError:
                    continue  # the next address of the same name
            return await self._exchange(client, method, url, headers, form, addresses[-1])

    async def _exchange(
        self,
        client: httpx2.AsyncClient,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        address: IPAddress,
    ) -> Answer:
        parts = urlsplit(url)
        at = f"[{address}]" if address.version == 6 else str(address)
        netloc = at if parts.port is None else f"{at}:{parts.port}"
        request = client.build_request(
            method,
            urlunsplit(parts._replace(netloc=netloc)),
            data=dict(form) if form is not None else None,
            # identity: an answer that unfolds is not bounded by what is read of it
            headers={"Accept": "application/json", "Accept-Encoding": "identity", **headers, "Host": parts.netloc},
            extensions={"sni_hostname": parts.hostname},
        )
        response = await client.send(request, stream=True)
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise UpstreamUnreachable(f"{parts.hostname}: an encoded answer")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > LARGEST:
                    raise UpstreamUnreachable(f"{parts.hostname}: the answer is too large")
        finally:
            await response.aclose()
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, media_type, bytes(body))


async def look_up_name(host: str, port: int) -> Sequence[IPAddress]:
    """The addresses of a host, as the system's resolver has them. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
