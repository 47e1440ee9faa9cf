"""Addresses that others name: what is public is asked, and nothing else, whatever its name leads to."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.outbound import Forbidden, Outbound, Unanswered, is_public, networks
from config.settings import Settings

HERE = networks(["127.0.0.0/8"])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "fec0::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001::1",
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_what_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@asynccontextmanager
async def listening(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers everything alike, and keeps the heads that it read."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], heads


@asynccontextmanager
async def asking(*addresses: str, private: Sequence[str] = ()) -> AsyncIterator[Outbound]:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        return addresses or [host]

    yield Outbound(networks(private), resolve=resolve)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def test_it_connects_to_the_address_that_it_looked_at() -> None:
    async with listening(OK) as (port, heads), asking("127.0.0.1", private=["127.0.0.0/8"]) as outbound:
        answer = await outbound.ask("GET", f"http://named.example:{port}/x?y=1", headers={"A": "b"}, most=2)
    assert (answer.status, answer.body) == (200, b"hi")
    assert heads[0].startswith(b"GET /x?y=1 HTTP/1.1\r\n")
    assert f"host: named.example:{port}".encode() in heads[0].lower()


def certificate_of(name: str, folder: Path) -> Path:
    """A self-made certificate of a name, with its key in the same file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "tls.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def test_the_certificate_is_the_name_s_and_not_the_address_s(tmp_path: Path) -> None:
    path = certificate_of("named.example", tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=str(path))

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with listening(OK, server_side) as (port, _):
        outbound = Outbound(HERE, resolve=resolve, tls=trusting)
        answer = await outbound.ask("GET", f"https://named.example:{port}/", headers={}, most=10)
        assert answer.body == b"hi"
        with pytest.raises(Unanswered):
            await outbound.ask("GET", f"https://another.example:{port}/", headers={}, most=10)


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("::ffff:127.0.0.1",), ("169.254.169.254",)]
)
async def test_a_name_that_leads_inside_is_refused_before_anything_is_sent(addresses: tuple[str, ...]) -> None:
    async with listening(OK) as (port, heads), asking(*addresses) as outbound:
        with pytest.raises(Forbidden):
            await outbound.ask("GET", f"https://named.example:{port}/", headers={}, most=10)
    assert heads == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://8.8.8.8/",
        "ftp://8.8.8.8/",
        "https://user:secret@8.8.8.8/",
        "https:///x",
        "https://8.8.8.8/#x",
        "nonsense",
        "https://[::1",
        "https://8.8.8.8/" + "x" * 2048,
    ],
)
async def test_what_is_no_address_to_ask(uri: str) -> None:
    async with asking() as outbound:
        with pytest.raises(Forbidden):
            await outbound.ask("GET", uri, headers={}, most=10)


async def test_without_tls_only_this_machine_where_it_is_allowed() -> None:
    async with asking("10.0.0.1", private=["10.0.0.0/8"]) as outbound:
        with pytest.raises(Forbidden, match="https"):
            await outbound.ask("GET", "http://inside.example/", headers={}, most=10)


async def test_an_answer_is_read_within_a_bound() -> None:
    async with listening(OK) as (port, _), asking("127.0.0.1", private=["127.0.0.0/8"]) as outbound:
        with pytest.raises(Unanswered, match="too long"):
            await outbound.ask("GET", f"http://a.localhost:{port}/", headers={}, most=1)


async def test_a_redirect_is_an_answer() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with listening(redirect) as (port, _), asking("127.0.0.1", private=["127.0.0.0/8"]) as outbound:
        assert (await outbound.ask("GET", f"http://a.localhost:{port}/", headers={}, most=10)).status == 302


async def test_whoever_is_not_there_or_speaks_otherwise_has_not_answered() -> None:
    async with asking("127.0.0.1", private=["127.0.0.0/8"]) as outbound:
        with pytest.raises(Unanswered):
            await outbound.ask("GET", "http://a.localhost:1/", headers={}, most=10)
        async with listening(b"nonsense\r\n\r\n") as (port, _):
            with pytest.raises(Unanswered):
                await outbound.ask("GET", f"http://a.localhost:{port}/", headers={}, most=10)


async def test_a_name_is_resolved_by_the_machine() -> None:
    for uri in (
        "https://localhost/", "https://anything.localhost/", "https://[::1]/", "https://2130706433/", "https://0x7f.1/",
    ):  # fmt: skip
        with pytest.raises((Forbidden, Unanswered)):
            await Outbound().ask("GET", uri, headers={}, most=10)


async def test_a_house_on_this_machine_asks_this_machine(settings: Settings) -> None:
    async with listening(OK) as (port, heads):
        for host in ("localhost", "app.localhost", "127.0.0.1"):
            assert await Outbound.of(settings).fetch(f"http://{host}:{port}/", most=2) == b"hi"
        elsewhere = settings.idp.model_copy(update={"issuer": "https://id.example"})
        with pytest.raises(Forbidden):
            await Outbound.of(settings.model_copy(update={"idp": elsewhere})).fetch(
                f"http://app.localhost:{port}/", most=2
            )
    assert len(heads) == 3


async def test_the_next_address_of_a_name_is_asked_where_one_is_not_there() -> None:
    async with listening(OK) as (port, _), asking("127.0.0.2", "127.0.0.1", private=["127.0.0.0/8"]) as outbound:
        assert await outbound.fetch(f"http://named.example:{port}/", most=2) == b"hi"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
async def test_what_is_no_document(answer: bytes) -> None:
    async with listening(answer) as (port, heads), asking("127.0.0.1", private=["127.0.0.0/8"]) as outbound:
        with pytest.raises(Unanswered):
            await outbound.fetch(f"http://named.example:{port}/", most=10)
    assert len(heads) == 1, "no redirect is followed"


def test_networks_are_named_by_cidr() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        networks(["everywhere"])
