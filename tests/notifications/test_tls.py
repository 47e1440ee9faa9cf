"""Connections to the mail server: encrypted and checked, or not at all."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from config.sections.messages import MailSettings
from config.settings import Settings, WrongSettings
from notifications.smtp import MailServer
from tests.notifications.conftest import CourierTo, Look, Put
from tests.notifications.mail_server import RunningServer, mail_server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-made certificate of 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def address(server: RunningServer, **mail: object) -> MailServer:
    settings = MailSettings(server=f"127.0.0.1:{server.port}", **mail)
    return MailServer.of(Settings(mail=settings))


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
async def test_encrypted_checked_and_with_a_password(
    put: Put, courier_to: CourierTo, look: Look, certificate: Path, server_side: ssl.SSLContext, encryption: str
) -> None:
    await put()
    async with mail_server(tls=server_side, implicit=encryption == "tls") as server:
        known = address(
            server,
            encryption=encryption,
            certificates=certificate,
            user="munjigi",
            password=SecretStr("open sesame"),
        )
        assert "open sesame" not in repr(known)
        await courier_to(known).deliver_due()
    assert [row.state for row in await look()] == ["sent"]
    assert len(server.answers.taken) == 1


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_gets_no_mail(
    put: Put, courier_to: CourierTo, look: Look, server_side: ssl.SSLContext, encryption: str
) -> None:
    await put()
    async with mail_server(tls=server_side, implicit=encryption == "tls") as server:
        await courier_to(address(server, encryption=encryption)).deliver_due()
    assert server.answers.taken == []
    [row] = await look()
    assert (row.state, row.attempts) == ("queued", 0)
    assert row.last_error.startswith("server away: ")


async def test_a_server_without_starttls_gets_no_mail(
    put: Put, courier_to: CourierTo, look: Look, certificate: Path
) -> None:
    await put()
    async with mail_server() as server:  # as if somebody between had taken STARTTLS out of its answer
        await courier_to(address(server, certificates=certificate)).deliver_due()
    assert server.answers.taken == []
    assert [row.state for row in await look()] == ["queued"]


async def test_a_wrong_password_is_no_fault_of_the_mail(
    put: Put, courier_to: CourierTo, look: Look, certificate: Path, server_side: ssl.SSLContext
) -> None:
    await put()
    async with mail_server(tls=server_side) as server:
        wrong = address(server, certificates=certificate, user="munjigi", password=SecretStr("guess"))
        await courier_to(wrong).deliver_due()
    [row] = await look()
    assert (row.state, row.last_error) == ("queued", "server away: 535 5.7.8")


@pytest.mark.parametrize("server", ["mail.example.com", "mail.example.com:smtp", ":25"])
def test_a_server_without_a_port_is_named(server: str) -> None:
    with pytest.raises(WrongSettings, match="MUNJIGI_MAIL__SERVER"):
        MailServer.of(Settings(mail=MailSettings(server=server)))


def test_authorities_that_are_not_there_are_named(tmp_path: Path) -> None:
    mail = MailSettings(server="mail.example.com:587", certificates=tmp_path / "nothing.pem")
    with pytest.raises(WrongSettings, match="MUNJIGI_MAIL__CERTIFICATES"):
        MailServer.of(Settings(mail=mail))
