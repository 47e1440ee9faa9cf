"""Certificates for a gateway that ends TLS, and for its clients, in files as they stand on a server."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.listening.certificates import Certificates
from gateway.listening.tls import TlsFiles
from tests.gateway.proxy.rig import Client
from tests.idp.keys import Key, certificate

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


class Authority:
    """One authority, and what it issues."""

    def __init__(self, folder: Path, name: str = "an authority") -> None:
        self.folder = folder
        self.key = Key()
        self.own = certificate(self.key, datetime.now(UTC), subject=f"CN={name}", authority=True, days=30)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.own.public_bytes(Encoding.PEM))

    def issue(
        self, subject: str, *names: str, usage: x509.ObjectIdentifier = CLIENT, days: int = 1
    ) -> tuple[Key, x509.Certificate]:
        """A key and its certificate."""
        key = Key()
        return key, certificate(
            key,
            datetime.now(UTC),
            subject=subject,
            issuer=(self.own, self.key),
            names=tuple(x509.DNSName(name) for name in names),
            usage=usage,
            days=days,
        )

    def server(self, *names: str, name: str = "server") -> TlsFiles:
        """Files of a server's certificate; written anew where they are there already."""
        key, found = self.issue("CN=server", *names, usage=SERVER)
        files = TlsFiles(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        files.key.write_bytes(key.pem())
        files.certificate.write_bytes(found.public_bytes(Encoding.PEM))
        return files

    def certificates(self, *names: str) -> Certificates:
        return Certificates(self.server(*(names or ("localhost",))))

    def trusting(
        self, shown: tuple[Key, x509.Certificate] | None = None, *, maximum: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """What a client connects by, with a certificate of its own or without."""
        context = ssl.create_default_context(cafile=str(self.file))
        if maximum is not None:
            context.minimum_version = min(maximum, ssl.TLSVersion.TLSv1_2)
            context.maximum_version = maximum
        if shown is not None:
            file = self.folder / "client.pem"
            file.write_bytes(shown[1].public_bytes(Encoding.PEM) + shown[0].pem())
            context.load_cert_chain(file)
        return context


def shown_by(client: Client) -> x509.Certificate:
    """The certificate that the gateway showed."""
    connection = client.writer.get_extra_info("ssl_object")
    return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
