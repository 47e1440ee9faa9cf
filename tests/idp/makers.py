"""Those behind attested passkeys, with real keys: makers of authenticators, and the metadata service."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

SERVICE = "mds.fidoalliance.org"
OF_MODEL = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
OVER = datetime(2036, 1, 1, tzinfo=UTC)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authority:
    """Signs certificates."""

    name: str = "A root"
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    by: Authority | None = None
    authority: bool = True
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        above = self.by or self
        self.certificate = self._signed(above, self.key, self.subject, x509.BasicConstraints(self.authority, None))

    @property
    def subject(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self.name)])

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def issue(
        self,
        key: ec.EllipticCurvePrivateKey,
        subject: x509.Name,
        *more: tuple[x509.ExtensionType, bool],
        begun: datetime = BEGUN,
        over: datetime = OVER,
        authority: bool = False,
    ) -> x509.Certificate:
        constraints = x509.BasicConstraints(authority, None)
        return self._signed(self, key, subject, constraints, *more, begun=begun, over=over)

    @staticmethod
    def _signed(
        by: Authority,
        key: ec.EllipticCurvePrivateKey,
        subject: x509.Name,
        constraints: x509.BasicConstraints,
        *more: tuple[x509.ExtensionType, bool],
        begun: datetime = BEGUN,
        over: datetime = OVER,
    ) -> x509.Certificate:
        builder = x509.CertificateBuilder(
            by.subject, subject, key.public_key(), x509.random_serial_number(), begun, over
        ).add_extension(constraints, critical=True)
        for extension, critical in more:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(by.key, hashes.SHA256())


@dataclass
class Maker:
    """A maker of one model, whose authenticators attest what they are (Web Authentication, section 8.2)."""

    aaguid: str
    name: str = "Moonkey 5"
    root: Authority = field(default_factory=Authority)
    vouches_for: str | None = None
    """The model in its certificate; None: its own; empty: none."""
    unit: str = "Authenticator Attestation"
    over: datetime = OVER
    authority: bool = False
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def certificate(self) -> bytes:
        names = (
            (x509.NameOID.COUNTRY_NAME, "KR"),
            (x509.NameOID.ORGANIZATION_NAME, "Moon"),
            (x509.NameOID.ORGANIZATIONAL_UNIT_NAME, self.unit),
            (x509.NameOID.COMMON_NAME, "Moonkey attestation"),
        )
        subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
        model = self.aaguid if self.vouches_for is None else self.vouches_for
        of_model = x509.UnrecognizedExtension(OF_MODEL, b"\x04\x10" + UUID(model).bytes) if model else None
        more = [(of_model, False)] if of_model else []
        issued = self.root.issue(self.key, subject, *more, over=self.over, authority=self.authority)
        return issued.public_bytes(Encoding.DER)

    def statement(self, authenticator_data: bytes, client_data: bytes) -> dict[str, Any]:
        signed = authenticator_data + hashlib.sha256(client_data).digest()
        return {"alg": -7, "sig": self.key.sign(signed, ec.ECDSA(hashes.SHA256())), "x5c": [self.certificate()]}

    def entry(self, *reports: tuple[str, str] | dict[str, str]) -> dict[str, Any]:
        """What the service tells of the model; `reports`: statuses with their days."""
        return {
            "aaguid": self.aaguid,
            "metadataStatement": {
                "description": self.name,
                "attestationRootCertificates": [base64.b64encode(self.root.der).decode()],
            },
            "statusReports": [
                one if isinstance(one, dict) else {"status": one[0], "effectiveDate": one[1]} for one in reports
            ],
            "timeOfLastStatusChange": "2026-01-01",
        }


@dataclass
class MetadataService:
    """Publishes what it knows of models (MDS 3.0, section 3.1)."""

    root: Authority = field(default_factory=lambda: Authority("The root of the service"))
    name: str = SERVICE
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def document(
        self,
        *entries: dict[str, Any],
        number: int = 1,
        next_update: str = "2027-01-01",
        header: dict[str, Any] | None = None,
        **payload: Any,
    ) -> bytes:
        between = Authority("Between", by=self.root)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self.name)])
        names = x509.SubjectAlternativeName([x509.DNSName(self.name)])
        own = between.issue(self.key, subject, (names, False), over=BEGUN + timedelta(days=3000))
        chain = [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in (own, between.certificate)]
        told = {"no": number, "nextUpdate": next_update, "legalHeader": "", "entries": list(entries), **payload}
        parts = [
            _segment(json.dumps({"alg": "ES256", "typ": "JWT", "x5c": chain, **(header or {})}).encode()),
            _segment(json.dumps(told).encode()),
        ]
        r, s = decode_dss_signature(self.key.sign(b".".join(parts), ec.ECDSA(hashes.SHA256())))
        return b".".join((*parts, _segment(r.to_bytes(32, "big") + s.to_bytes(32, "big"))))


def _segment(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
