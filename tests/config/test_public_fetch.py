"""What strangers name is fetched from public addresses alone, and where the name was looked up, there it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from config.public_fetch import LARGEST, NotFetched, PublicFetch

LOOPBACK = ("127.0.0.0/8",)


class Site:
    """A server on a real socket: answers whatever is set, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        self.asked: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


def resolving(*addresses: str) -> object:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


async def test_it_goes_where_the_name_was_looked_up(site: Site) -> None:
    fetch = PublicFetch(LOOPBACK, resolve=resolving("127.0.0.1"))  # type: ignore[arg-type]
    assert await fetch(f"http://keys.example:{site.port}/jwks?a=b#c") == b"{}"
    assert site.asked[0].startswith(b"GET /jwks?a=b HTTP/1.1\r\n")
    assert f"\r\nhost: keys.example:{site.port}\r\n".encode() in site.asked[0].lower()


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",), ("10.0.0.1",), ("172.16.0.1",), ("192.168.1.1",), ("169.254.169.254",), ("100.64.0.1",),
        ("0.0.0.0",), ("224.0.0.1",), ("255.255.255.255",), ("192.0.2.1",),
        ("::1",), ("::",), ("fe80::1%eth0",), ("fc00::1",), ("ff02::1",), ("::ffff:127.0.0.1",), ("::ffff:10.0.0.1",),
        ("64:ff9b::7f00:1",), ("2002:7f00:1::",),
        ("93.184.216.34", "127.0.0.1"), (),
    ],
)  # fmt: skip
async def test_nobody_inside_is_asked(addresses: tuple[str, ...], site: Site) -> None:
    fetch = PublicFetch(resolve=resolving(*addresses))  # type: ignore[arg-type]
    for scheme in ("http", "https"):
        with pytest.raises(NotFetched):
            await fetch(f"{scheme}://keys.example:{site.port}/")
    assert site.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "app.localhost", "[::1]", "2130706433", "0x7f.1"])
async def test_by_whichever_name(host: str, site: Site) -> None:
    with pytest.raises(NotFetched):
        await PublicFetch()(f"https://{host}:{site.port}/")
    assert site.asked == []


async def test_plain_http_goes_to_allowed_networks_alone() -> None:
    fetch = PublicFetch(resolve=resolving("93.184.216.34"))  # type: ignore[arg-type]
    with pytest.raises(NotFetched, match="not a public address"):
        await fetch("http://keys.example/")


@pytest.mark.parametrize(
    "url", ["ftp://a/", "file:///etc/passwd", "https://", "//a/", "https://u@a/", "https://a:x/", ""]
)
async def test_only_the_web(url: str) -> None:
    with pytest.raises(NotFetched):
        await PublicFetch(LOOPBACK)(url)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LARGEST + 1) + b"a" * (LARGEST + 1),
        b"nonsense\r\n\r\n",
        b"",
    ],
)
async def test_what_is_no_document(answer: bytes, site: Site) -> None:
    site.answer = answer
    with pytest.raises(NotFetched):
        await PublicFetch(LOOPBACK)(f"http://127.0.0.1:{site.port}/")
    assert len(site.asked) == 1, "no redirect is followed"
