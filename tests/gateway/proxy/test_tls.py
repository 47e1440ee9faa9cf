"""TLS that ends at the gateway: what it speaks, which certificate it shows, and new ones while it runs (RFC 8446)."""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from config.client_address import ClientAddresses
from config.sections.gateway import GatewaySettings
from gateway.listening.certificates import Certificates
from gateway.listening.tls import TlsFiles, WrongCertificate
from gateway.proxy.limits import Limits
from idp.protocol.confirmation import certificate_thumbprint
from tests.gateway.proxy.authority import SERVER, Authority, shown_by
from tests.gateway.proxy.rig import Asked, free_port, holds, rigged
from tests.idp.keys import Key, certificate, der

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def listen() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_what_is_spoken(folder: Path, listen: str, version: ssl.TLSVersion) -> None:
    authority = Authority(folder)
    async with rigged(folder, listen=listen, certificates=authority.certificates(), scheme="https") as rig:
        context = authority.trusting(maximum=version)
        context.set_alpn_protocols(["h2", "http/1.1"])
        client = await rig.client(context)
        spoken = client.writer.get_extra_info("ssl_object")
        assert spoken.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        assert spoken.selected_alpn_protocol() == "http/1.1"
        for _ in range(2):
            assert (await client.ask(GET)).body == b"ok"
        assert [head.scheme for head in rig.heads] == ["https"] * 2
        client.writer.close()


@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256"),
    ],
)
async def test_what_is_weak_is_not_spoken(folder: Path, listen: str, version: ssl.TLSVersion, ciphers: str) -> None:
    authority = Authority(folder)
    context = authority.trusting(maximum=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(ciphers)
    if version < ssl.TLSVersion.TLSv1_2:
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = version
    async with rigged(folder, listen=listen, certificates=authority.certificates()) as rig:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await rig.client(context)
        assert rig.heads == []


async def test_who_does_not_shake_hands_is_dropped(folder: Path, listen: str) -> None:
    authority = Authority(folder)
    limits = Limits(head_time=0.2)
    async with rigged(folder, listen=listen, certificates=authority.certificates(), limits=limits) as rig:
        assert b"200" not in await (await rig.client()).rest(), "silent"
        client = await rig.client()
        client.send(GET)
        assert b"HTTP" not in await client.rest(), "in clear"
        assert rig.heads == []


async def test_new_certificates_are_shown_to_those_who_come_and_cut_nobody_off(folder: Path, listen: str) -> None:
    authority = Authority(folder)
    proceed = asyncio.Event()

    async def slowly(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
        await proceed.wait()
        writer.write(b"cd")

    certificates = authority.certificates()
    async with rigged(folder, listen=listen, certificates=certificates, behaviour=slowly) as rig:
        idle, busy = await rig.client(authority.trusting()), await rig.client(authority.trusting())
        busy.send(GET)
        await busy.reader.readuntil(b"ab")
        half = await rig.client()  # has not said hello yet
        assert not await certificates.look(), "nothing changed"
        authority.server("localhost")
        assert await certificates.look()
        later = await rig.client(authority.trusting())
        assert shown_by(later) != shown_by(idle) == shown_by(busy)
        proceed.set()
        assert await busy.reader.readexactly(2) == b"cd"
        for client in (idle, busy, later):
            assert (await client.ask(GET)).body == b"abcd"
        certificates.ask()
        assert await certificates.look(), "asked for"
        assert (await (await rig.client(authority.trusting())).ask(GET)).status == 200
        await half.writer.start_tls(authority.trusting(), server_hostname="localhost")
        assert (await half.ask(GET)).body == b"abcd"


async def test_wrong_new_certificates_are_refused_and_the_last_ones_stay(folder: Path, listen: str) -> None:
    authority = Authority(folder)
    certificates = authority.certificates()
    async with rigged(folder, listen=listen, certificates=certificates) as rig:
        first = shown_by(await rig.client(authority.trusting()))
        (folder / "server.pem").write_text("not a certificate")
        assert not await certificates.look()
        assert shown_by(await rig.client(authority.trusting())) == first
        (folder / "server.pem").unlink()
        assert not await certificates.look()
        authority.server("localhost")
        assert await certificates.look()
        assert shown_by(await rig.client(authority.trusting())) != first


async def test_each_name_is_shown_its_certificate(folder: Path, listen: str) -> None:
    authority = Authority(folder)
    files = authority.server("localhost", "first.example")
    others = []
    for number, names in enumerate((("second.example",), ("*.third.example",))):
        more = authority.server(*names, name=f"other{number}")
        whole = folder / f"whole{number}.pem"
        whole.write_bytes(more.certificate.read_bytes() + more.key.read_bytes())
        others.append(whole)
    certificates = Certificates(TlsFiles(files.certificate, files.key, tuple(others)))
    async with rigged(folder, listen=listen, certificates=certificates) as rig:
        for name in ("localhost", "first.example", "second.example", "SECOND.example", "a.third.example"):
            client = await rig.client(authority.trusting(), name)  # verifies the name
            assert (await client.ask(GET)).status == 200
            assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() is None
        for name in ("b.a.third.example", "third.example", "elsewhere.example"):
            with pytest.raises(ssl.SSLCertVerificationError):
                await rig.client(authority.trusting(), name)


async def test_an_answer_to_a_body_that_is_too_large_arrives_through_tls(folder: Path, listen: str) -> None:
    authority = Authority(folder)
    limits = Limits(body=1000)
    async with rigged(folder, listen=listen, certificates=authority.certificates(), limits=limits) as rig:
        client = await rig.client(authority.trusting())
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 8_000_000)
        answer = await client.answer()
        assert (answer.status, json.loads(answer.body)["code"]) == (413, "MJ-GATEWAY-105")
        assert answer.values(b"connection") == [b"close"]
        client.writer.close()
        await holds(lambda: rig.door.clients == 0)


async def test_a_certificate_of_our_authority_is_known_and_any_other_turned_away(folder: Path, listen: str) -> None:
    authority, stranger = Authority(folder), Authority(folder, "a stranger")
    files = authority.server("localhost")
    known = TlsFiles(files.certificate, files.key, client_authorities=authority.file)
    till = authority.issue("CN=till-7,O=Example")
    believed = ClientAddresses(["127.0.0.1/32"])
    async with rigged(folder, listen=listen, certificates=Certificates(known), addresses=believed) as rig:
        forged = GET[:-2] + b"Client-Cert: :" + b"QQ==" + b":\r\n\r\n"
        rig.door.certificates = True  # and even so nobody is believed who tells of a certificate
        client = await rig.client(authority.trusting(till))
        for _ in range(2):
            assert (await client.ask(forged)).status == 200
        nobody = await rig.client(authority.trusting())
        assert (await nobody.ask(forged)).status == 200
        found = [head.certificate for head in rig.heads]
        assert found[0] is found[1]
        assert found[0] is not None
        assert (found[0].thumbprint, found[0].name) == (certificate_thumbprint(der(till[1])), "till-7")
        assert found[2] is None
        assert all(asked.values(b"client-cert") == [] for asked in rig.origin.asked)
        for wrong in (
            stranger.issue("CN=till-7"),
            authority.issue("CN=server", usage=SERVER),
            authority.issue("CN=late", days=-1),
        ):
            with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                await (await rig.client(authority.trusting(wrong))).ask(GET)
        assert len(rig.heads) == 3


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_whoever_must_have_a_certificate_is_turned_away_without(
    folder: Path, listen: str, version: ssl.TLSVersion
) -> None:
    authority = Authority(folder)
    files = authority.server("localhost")
    demanding = TlsFiles(files.certificate, files.key, client_authorities=authority.file, client_required=True)
    async with rigged(folder, listen=listen, certificates=Certificates(demanding)) as rig:
        context = authority.trusting(authority.issue("CN=till-7"), maximum=version)
        client = await rig.client(context)
        assert (await client.ask(GET)).status == 200
        session = client.writer.get_extra_info("ssl_object").session
        assert not session.has_ticket, "each connection proves it again"
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await (await rig.client(authority.trusting(maximum=version))).ask(GET)
        assert len(rig.heads) == 1


async def test_an_authority_that_is_taken_away_counts_no_more(folder: Path, listen: str) -> None:
    authority, former = Authority(folder), Authority(folder, "a former one")
    files = authority.server("localhost")
    trusted = folder / "trusted.pem"
    trusted.write_bytes(former.file.read_bytes())
    certificates = Certificates(TlsFiles(files.certificate, files.key, client_authorities=trusted))
    shown = authority.trusting(former.issue("CN=till-7"))
    async with rigged(folder, listen=listen, certificates=certificates) as rig:
        assert (await (await rig.client(shown)).ask(GET)).status == 200
        trusted.write_bytes(authority.file.read_bytes())
        assert await certificates.look()
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await (await rig.client(shown)).ask(GET)


def test_wrong_files_are_refused_by_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    good = authority.server("localhost")
    other = authority.server("localhost", name="other")
    sealed = tmp_path / "sealed.key"
    sealed.write_bytes(
        Key().private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a password"))
    )
    nobody = tmp_path / "nobody.pem"
    key = Key()
    found: x509.Certificate = certificate(key, datetime.now(UTC), usage=SERVER)
    nobody.write_bytes(found.public_bytes(Encoding.PEM) + key.pem())
    missing, nothing = tmp_path / "missing.pem", tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    for files, said in (
        (TlsFiles(missing, good.key), "missing.pem: No such file"),
        (TlsFiles(good.certificate, missing), "missing.pem: No such file"),
        (TlsFiles(nothing, good.key), "nothing.pem: this is not PEM"),
        (TlsFiles(good.certificate, nothing), "server.pem: this is not PEM"),
        (TlsFiles(good.certificate, other.key), "server.pem: the key is another certificate's"),
        (TlsFiles(good.certificate, sealed), "sealed.key: the key is encrypted"),
        (TlsFiles(good.certificate, good.key, (nobody,)), "nobody.pem: the certificate has no DNS name"),
        (TlsFiles(good.certificate, good.key, client_authorities=nothing), "nothing.pem: this is not PEM"),
        (TlsFiles(good.certificate, good.key, client_authorities=missing), "missing.pem: No such file"),
    ):
        with pytest.raises(WrongCertificate, match=said.replace("(", "\\(")):
            Certificates(files)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tls_certificate": "a"}, "go together"),
        ({"tls_key": "a"}, "go together"),
        ({"client_ca": "a"}, "need TLS_CERTIFICATE"),
        ({"tls_others": ["a"]}, "need TLS_CERTIFICATE"),
        ({"client_certificates": "required"}, "needs CLIENT_CA"),
        ({"tls_certificate": "a", "tls_key": "b", "origin_scheme": "http"}, "is https"),
        ({"tls_certificate": "a", "tls_key": "b", "client_certificate_header": True}, "believed"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GatewaySettings.model_validate(given)


def test_who_ends_tls_is_reached_by_https() -> None:
    ends = GatewaySettings.model_validate({"tls_certificate": "a", "tls_key": "b"})
    assert (ends.origin_scheme, GatewaySettings().origin_scheme) == ("https", "http")
    assert GatewaySettings.model_validate({"origin_scheme": "https"}).origin_scheme == "https"
    assert Certificates.of(GatewaySettings()) is None
