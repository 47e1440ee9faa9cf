"""The models of authenticators as the FIDO Metadata Service tells of them (MDS 3.0): a signed document, read. Pure.

The document is a JWS whose certificates lead to a root that the operator configured, and whose first certificate is
made out to the service: the root signs for many others, too. What cannot be verified is refused whole.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from idp.factors.certificate_chain import UntrustedChain, verify_chain

LARGEST: Final = 64 * 1024 * 1024
"""Bytes; the service's own document has a sixth of it."""
SIGNER: Final = "mds.fidoalliance.org"
"""Whom the certificate of the service's document is made out to."""

REFUSING: Final = frozenset(
    (
        "REVOKED",
        "USER_VERIFICATION_BYPASS",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
    )
)
"""Statuses after which a model is believed no more (MDS 3.0, section 3.1.4)."""
_CERTIFIED: Final[Mapping[str, int]] = {
    "NOT_FIDO_CERTIFIED": 0,
    "FIDO_CERTIFIED": 1,
    "FIDO_CERTIFIED_L1": 1,
    "FIDO_CERTIFIED_L1plus": 1,
    "FIDO_CERTIFIED_L2": 2,
    "FIDO_CERTIFIED_L2plus": 2,
    "FIDO_CERTIFIED_L3": 3,
    "FIDO_CERTIFIED_L3plus": 3,
}


class DamagedMetadata(Exception):
    """A document that must not be believed; the message is for the log and holds nothing of it."""


class _Report(msgspec.Struct):
    status: str
    effectiveDate: str = ""  # noqa: N815 - as the service writes it
    certificate: str = ""


class _Statement(msgspec.Struct):
    description: str = ""
    attestationRootCertificates: list[str] = []  # noqa: N815


class _Entry(msgspec.Struct):
    statusReports: list[_Report] = []  # noqa: N815
    aaguid: str = ""
    metadataStatement: _Statement | None = None  # noqa: N815


class _Payload(msgspec.Struct):
    no: int
    nextUpdate: str  # noqa: N815
    entries: list[_Entry]


class _Header(msgspec.Struct):
    alg: str
    x5c: list[str]
    crit: list[str] = []


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a model, on which day."""

    status: str
    since: date
    certificate: bytes = b""
    """DER; it is about what this certificate vouches for alone. Empty: about the whole model."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model of authenticators."""

    aaguid: str
    name: str
    roots: tuple[bytes, ...]
    """Certificates (DER) that its attestations lead to."""
    reports: tuple[Report, ...]
    """In the order of their days."""

    def refused(self, today: date) -> str:
        """The status for which it is believed no more; empty: it is."""
        return next((one.status for one in self.reports if _refuses(one, today) and not one.certificate), "")

    def compromised(self, today: date) -> frozenset[bytes]:
        """Certificates that vouch for nothing any more."""
        return frozenset(one.certificate for one in self.reports if _refuses(one, today) and one.certificate)

    def certified(self, today: date) -> int:
        """The level (1 to 3) at which it is certified now, "plus" left out; 0: it is not."""
        told = [_CERTIFIED[one.status] for one in self.reports if one.status in _CERTIFIED and one.since <= today]
        return told[-1] if told else 0


@dataclass(frozen=True, slots=True)
class Metadata:
    """A document of the service."""

    number: int
    """Rises with each."""
    next_update: date
    """On this day the next one is due (`nextUpdate`); after it, this one vouches for nothing new."""
    models: Mapping[str, Model]
    """By AAGUID."""

    def is_current(self, now: datetime) -> bool:
        """Whether it may still vouch for keys that are registered."""
        return now < datetime.combine(self.next_update + timedelta(days=1), datetime.min.time(), UTC)


def read(document: bytes, *, roots: Sequence[x509.Certificate], expected_signer: str, now: datetime) -> Metadata:
    """The metadata of a document. Raises `DamagedMetadata`."""
    if len(document) > LARGEST:
        raise DamagedMetadata("larger than any")
    parts = document.strip().split(b".")
    if len(parts) != 3:
        raise DamagedMetadata("not a JWS in its compact form")
    try:
        header = msgspec.json.decode(_decoded(parts[0]), type=_Header)
        chain = [x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in header.x5c]
        signature = _decoded(parts[2])
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise DamagedMetadata(f"its header cannot be read: {type(error).__name__}") from error
    if header.crit:
        raise DamagedMetadata("it needs something that is not understood")
    try:
        verify_chain(chain, roots=roots, now=now)
    except UntrustedChain as error:
        raise DamagedMetadata(f"its certificates: {error}") from error
    if expected_signer.lower() not in _names(chain[0]):
        raise DamagedMetadata("its certificate is made out to somebody else")
    _verify(chain[0], header.alg, b".".join(parts[:2]), signature)
    try:
        payload = msgspec.json.decode(_decoded(parts[1]), type=_Payload)
        models = (_model(entry) for entry in payload.entries if entry.aaguid)
        return Metadata(payload.no, date.fromisoformat(payload.nextUpdate), {one.aaguid: one for one in models})
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise DamagedMetadata(f"its content cannot be read: {type(error).__name__}") from error


def _model(entry: _Entry) -> Model:
    statement = entry.metadataStatement or _Statement()
    reports = [
        Report(
            one.status,
            date.fromisoformat(one.effectiveDate) if one.effectiveDate else date.min,
            base64.b64decode("".join(one.certificate.split()), validate=True),
        )
        for one in entry.statusReports
    ]
    roots = tuple(
        base64.b64decode("".join(one.split()), validate=True) for one in statement.attestationRootCertificates
    )
    return Model(
        entry.aaguid.lower(),
        "".join(filter(str.isprintable, statement.description))[:100],
        roots,
        tuple(sorted(reports, key=lambda one: one.since)),
    )


def _refuses(report: Report, today: date) -> bool:
    return report.status in REFUSING and report.since <= today


def _decoded(part: bytes) -> bytes:
    return base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return {name.lower() for name in found.value.get_values_for_type(x509.DNSName)}


def _verify(certificate: x509.Certificate, algorithm: str, signed: bytes, signature: bytes) -> None:
    """RS256 and ES256 (RFC 7518), by what the key is: the service has used both."""
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm == "RS256":
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm == "ES256" and len(signature) == 64:
            halves = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            key.verify(encode_dss_signature(*halves), signed, ec.ECDSA(hashes.SHA256()))
        else:
            raise DamagedMetadata("signed in a way that is not taken")
    except InvalidSignature:
        raise DamagedMetadata("its signature is not that of its certificate") from None
