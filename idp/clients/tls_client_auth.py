"""`tls_client_auth` and `self_signed_tls_client_auth`: a client proves itself by its certificate (RFC 8705, section 2).

Whoever ended the TLS connection vouches for one thing alone: that the client has the certificate's private key. Whether
the certificate is the client's is decided here.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp.clients.client import Client
from idp.clients.metadata import ClientMetadata
from idp.protocol.confirmation import certificate_thumbprint
from jose.foreign import ForeignKey

TLS: Final = "tls_client_auth"
SELF_SIGNED: Final = "self_signed_tls_client_auth"
LONGEST_CHAIN: Final = 4
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""How a certificate that anybody may have made says that it cannot be read."""
SUBJECTS: Final = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)


@dataclass(frozen=True)
class ClientCertificate:
    """The certificate of the connection that a request came by."""

    der: bytes
    chain: tuple[bytes, ...] = ()
    """What was sent along with it, in DER."""

    @cached_property
    def thumbprint(self) -> str:
        """`x5t#S256`."""
        return certificate_thumbprint(self.der)

    @cached_property
    def x509(self) -> x509.Certificate:
        """Raises `ValueError` where it is none."""
        return x509.load_der_x509_certificate(self.der)


class Authorities:
    """Whose certificates are believed for `tls_client_auth`."""

    def __init__(self, certificates: Sequence[x509.Certificate]) -> None:
        self._store = verification.Store(list(certificates))

    @classmethod
    def read(cls, path: Path) -> Authorities:
        """From a file of certificates (PEM). Raises `OSError` and `ValueError`."""
        return cls(x509.load_pem_x509_certificates(path.read_bytes()))

    def vouch_for(self, certificate: ClientCertificate, now: datetime) -> bool:
        """Whether a path of certificates that are valid now leads from one of them to this one (RFC 5280, 6)."""
        policy = (
            verification.PolicyBuilder()
            .store(self._store)
            .time(now.replace(tzinfo=None))
            .max_chain_depth(LONGEST_CHAIN)
            .extension_policies(ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(), ee_policy=_of_a_client())
        )
        try:
            between = [x509.load_der_x509_certificate(der) for der in certificate.chain[:LONGEST_CHAIN]]
            policy.build_client_verifier().verify(certificate.x509, between)
        except (verification.VerificationError, *_UNREADABLE):
            return False
        return True


def names_client(certificate: ClientCertificate, metadata: ClientMetadata) -> bool:
    """Whether a certificate bears the one name that the client registered (RFC 8705, section 2.1.2)."""
    registered = [(name, value) for name in SUBJECTS if (value := getattr(metadata, name))]
    if len(registered) != 1:
        return False
    ((name, value),) = registered
    try:
        if name == "tls_client_auth_subject_dn":
            return certificate.x509.subject == x509.Name.from_rfc4514_string(value)
        names = certificate.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        match name:
            case "tls_client_auth_san_dns":
                return value.lower() in [dns.lower() for dns in names.get_values_for_type(x509.DNSName)]
            case "tls_client_auth_san_uri":
                return value in names.get_values_for_type(x509.UniformResourceIdentifier)
            case "tls_client_auth_san_ip":
                return ipaddress.ip_address(value) in names.get_values_for_type(x509.IPAddress)
            case _:
                return value in names.get_values_for_type(x509.RFC822Name)
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return False


def is_registered(certificate: ClientCertificate, jwks: Iterable[Mapping[str, object]], now: datetime) -> bool:
    """Whether a self-signed certificate, valid now, is one of those that a client registered (RFC 8705, section 2.2).

    Registered is the certificate itself (`x5c`), or its key.
    """
    try:
        found = certificate.x509
        spki = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if not found.not_valid_before_utc <= now < found.not_valid_after_utc:
            return False
    except _UNREADABLE:
        return False
    return any(_first_x5c(jwk) == certificate.der if "x5c" in jwk else _spki(jwk) == spki for jwk in jwks)


def proves(
    client: Client,
    certificate: ClientCertificate,
    *,
    authorities: Authorities | None,
    jwks: Iterable[Mapping[str, object]],
    now: datetime,
) -> bool:
    """Whether a certificate proves the client, by the method that it registered."""
    if client.auth_method == SELF_SIGNED:
        return is_registered(certificate, jwks, now)
    return (
        client.auth_method == TLS
        and authorities is not None
        and names_client(certificate, client.metadata)
        and authorities.vouch_for(certificate, now)
    )


def _of_a_client() -> verification.ExtensionPolicy:
    """A client's certificate need not bear a name of the web's; if it says what it is for, that must be this."""
    return (
        verification.ExtensionPolicy.permit_all()
        .may_be_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, _is_no_authority)
        .may_be_present(x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, _is_for_clients)
    )


def _is_no_authority(_policy: object, _certificate: x509.Certificate, found: x509.BasicConstraints | None) -> None:
    if found is not None and found.ca:
        raise ValueError("the certificate of an authority")


def _is_for_clients(_policy: object, _certificate: x509.Certificate, found: x509.ExtendedKeyUsage | None) -> None:
    if found is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in found:
        raise ValueError("not for clients")


def _first_x5c(jwk: Mapping[str, object]) -> bytes | None:
    x5c = jwk.get("x5c")
    first = x5c[0] if isinstance(x5c, list) and x5c else None
    try:
        return base64.b64decode(first, validate=True) if isinstance(first, str) else None
    except binascii.Error:
        return None


def _spki(jwk: Mapping[str, object]) -> bytes | None:
    try:
        return ForeignKey(jwk).spki
    except ValueError:
        return None
