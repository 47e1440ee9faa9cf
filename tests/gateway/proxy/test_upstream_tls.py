"""TLS towards upstreams: whom the gateway believes, what it shows, and that streams stay streams."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.proxy.breaker import Fault
from gateway.routes.upstream import Check, Upstream
from gateway.routes.upstream_entry import read_upstream
from tests.gateway.proxy.certificates import Authority
from tests.gateway.proxy.rig import Asked, Behaviour, Rig, holds, read_body, rigged
from tests.gateway.proxy.targets import GET, TcpOrigin, named, target, who


@pytest.fixture
def authority(folder: Path) -> Authority:
    return Authority(folder, "our-authority")


def shown(writer: asyncio.StreamWriter) -> dict[str, Any]:
    """What a server knows of a connection."""
    tls = writer.get_extra_info("ssl_object")
    subject = (tls.getpeercert() or {}).get("subject", ())
    return {
        "version": tls.version(),
        "alpn": tls.selected_alpn_protocol(),
        "client": dict(pair for part in subject for pair in part).get("commonName"),
    }


@asynccontextmanager
async def behind_tls(
    folder: Path, context: ssl.SSLContext, tls: dict[str, str], behaviour: Behaviour | None = None, **more: Any
) -> AsyncIterator[tuple[Rig, TcpOrigin]]:
    origin = TcpOrigin(behaviour or named("secure"), shown)
    await origin.start(ssl=context)
    try:
        upstream = read_upstream("origin", {"targets": [origin.address], "tls": tls, **more}, folder)
        async with rigged(folder, upstream=upstream, patience=30) as rig:
            yield rig, origin
    finally:
        await origin.stop()


async def test_an_authority_of_ones_own_and_the_name_of_the_target(folder: Path, authority: Authority) -> None:
    async with behind_tls(folder, authority.serving("127.0.0.1"), {"ca": str(authority.ca)}) as (rig, origin):
        client = await rig.client()
        assert await who(client, 3) == ["secure"] * 3
        assert len(origin.seen) == 1
        assert origin.seen[0]["version"] == "TLSv1.3"


async def test_a_name_of_ones_own_is_asked_for_and_checked(folder: Path, authority: Authority) -> None:
    asked: list[str | None] = []
    context = authority.serving("ledger.internal")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)  # type: ignore[assignment, return-value]
    tls = {"ca": str(authority.ca), "server_name": "ledger.internal"}
    async with behind_tls(folder, context, tls) as (rig, _):
        assert await who(await rig.client(), 1) == ["secure"]
        assert asked == ["ledger.internal"]


@pytest.mark.parametrize("wrong", ["name", "authority", "system"])
async def test_whoever_is_not_believed_gets_no_request(folder: Path, authority: Authority, wrong: str) -> None:
    tls = {"ca": str(authority.ca), "server_name": "ledger.internal"}
    if wrong == "name":
        tls["server_name"] = "other.internal"
    elif wrong == "authority":
        tls["ca"] = str(Authority(folder, "another-authority").ca)
    else:
        del tls["ca"]
    async with behind_tls(folder, authority.serving("ledger.internal"), tls) as (rig, origin):
        answer = await rig.ask(GET)
        assert (answer.status, json.loads(answer.body)["code"]) == (503, "MJ-GATEWAY-131")
        assert origin.asked == []
        assert target(rig, 0).faults[Fault.CONNECT] == 1


async def test_old_versions_are_refused(folder: Path, authority: Authority) -> None:
    context = authority.serving("127.0.0.1")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with behind_tls(folder, context, {"ca": str(authority.ca)}) as (rig, origin):
        assert (await rig.ask(GET)).status == 503
        assert origin.asked == []


async def test_a_plain_upstream_is_not_believed_to_be_secure(folder: Path, authority: Authority) -> None:
    origin = TcpOrigin(named("plain"))
    await origin.start()
    upstream = read_upstream("origin", {"address": origin.address, "tls": {"ca": str(authority.ca)}}, folder)
    async with rigged(folder, upstream=upstream) as rig:
        assert (await rig.ask(GET)).status == 503
        assert origin.asked == []
    await origin.stop()


async def test_the_gateway_shows_its_certificate(folder: Path, authority: Authority) -> None:
    certificate, key = authority.give("gateway.internal")
    tls = {"ca": str(authority.ca), "certificate": str(certificate), "key": str(key)}
    context = authority.serving("127.0.0.1", clients=authority.ca)
    async with behind_tls(folder, context, tls) as (rig, origin):
        assert await who(await rig.client(), 1) == ["secure"]
        assert origin.seen[0]["client"] == "gateway.internal"


async def test_without_the_certificate_that_is_demanded_nothing_passes(folder: Path, authority: Authority) -> None:
    context = authority.serving("127.0.0.1", clients=authority.ca)
    async with behind_tls(folder, context, {"ca": str(authority.ca)}) as (rig, origin):
        answer = await rig.ask(GET)
        assert answer.status in (502, 503)  # TLS 1.3 refuses only after the gateway's side of the handshake
        assert origin.asked == []


async def test_another_certificate_is_another_upstream(folder: Path, authority: Authority) -> None:
    def read() -> Upstream:
        tls = {"ca": str(authority.ca), "certificate": str(certificate), "key": str(key)}
        return read_upstream("origin", {"address": "127.0.0.1:1", "tls": tls}, folder)

    certificate, key = authority.give("gateway.internal")
    first = read()
    assert read() == first
    assert first.files == (authority.ca, certificate, key)
    authority.give("gateway.internal")
    assert read() != first


async def test_a_socket_may_speak_tls(folder: Path, authority: Authority) -> None:
    path = folder / "secure.sock"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await named("socket")(Asked(b""), reader, writer)
        writer.close()

    server = await asyncio.start_unix_server(answer, path, ssl=authority.serving("ledger.internal"))
    tls = {"ca": str(authority.ca), "server_name": "ledger.internal"}
    upstream = read_upstream("origin", {"socket": str(path), "tls": tls}, folder)
    async with rigged(folder, upstream=upstream) as rig:
        assert await who(await rig.client(), 1) == ["socket"]
    server.close()


async def test_checks_go_the_same_way(folder: Path, authority: Authority) -> None:
    check = {"path": "/health", "interval": 0.1}
    tls = {"ca": str(authority.ca)}
    async with behind_tls(folder, authority.serving("127.0.0.1"), tls, check=check) as (rig, origin):
        await holds(lambda: any(asked.line.startswith(b"GET /health ") for asked in origin.asked))
        assert isinstance(rig.pool.upstream.check, Check)
        assert target(rig, 0).faults[Fault.CHECK] == 0


async def test_a_slow_reader_slows_an_upstream_behind_tls(folder: Path, authority: Authority) -> None:
    sent = 0

    async def pours(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 << 20))
        for _ in range(64):
            writer.write(b"x" * (1 << 20))
            await writer.drain()
            sent += 1

    async with behind_tls(folder, authority.serving("127.0.0.1"), {"ca": str(authority.ca)}, pours) as (rig, _):
        client = await rig.client()
        client.send(GET)
        await client.reader.readuntil(b"\r\n\r\n")
        client.writer.transport.pause_reading()
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.3)
        assert sent < 32
        client.writer.transport.resume_reading()
        assert len(await client.reader.readexactly(64 << 20)) == 64 << 20
        assert sent == 64


async def test_a_slow_upstream_behind_tls_slows_the_client(folder: Path, authority: Authority) -> None:
    go_on = asyncio.Event()

    async def dawdles(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        asked.body = await read_body(reader, asked.headers)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n%08d" % len(asked.body))

    async with behind_tls(folder, authority.serving("127.0.0.1"), {"ca": str(authority.ca)}, dawdles) as (rig, _):
        client = await rig.client()
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (48 << 20))
        taken = 0

        async def pour() -> None:
            nonlocal taken
            for _ in range(48):
                client.send(b"x" * (1 << 20))
                await client.writer.drain()
                taken += 1

        pouring = asyncio.ensure_future(pour())
        before = -1
        while before != taken:
            before = taken
            await asyncio.sleep(0.3)
        assert taken < 32
        go_on.set()
        await pouring
        assert (await client.answer()).body == b"%08d" % (48 << 20)


async def test_an_answer_that_ends_with_its_tls_ends_for_the_client(folder: Path, authority: Authority) -> None:
    async def until_the_end(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        await writer.drain()
        writer.close()

    async with behind_tls(folder, authority.serving("127.0.0.1"), {"ca": str(authority.ca)}, until_the_end) as (rig, _):
        client = await rig.client()
        assert [(await client.ask(GET)).body for _ in range(3)] == [b"all of it"] * 3


async def test_an_answer_whose_tls_breaks_off_is_not_whole(folder: Path, authority: Authority) -> None:
    """RFC 9112, section 9.8: without TLS's own end nobody knows whether somebody cut it."""

    async def cut(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nsome of it")
        await writer.drain()
        await asyncio.sleep(0.02)
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as below:
            below.shutdown(socket.SHUT_WR)  # without the close_notify of TLS
        await asyncio.sleep(60)

    async with behind_tls(folder, authority.serving("127.0.0.1"), {"ca": str(authority.ca)}, cut) as (rig, _):
        client = await rig.client()
        client.send(GET)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            received = await client.rest()
        assert b"some of it" in received
        assert not received.endswith(b"0\r\n\r\n")
