"""Which keys the people of an organisation may register, and what an attestation proves (Level 3, section 6.5). Pure.

The library verifies the statement of each format; here the certificates of the statement are led to a root that the
metadata names for the very model, and the organisation's policy is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from webauthn.helpers import parse_attestation_object
from webauthn.helpers.structs import AttestationFormat

from idp.factors.certificate_chain import UntrustedChain, verify_chain
from idp.factors.metadata import Metadata, Model

Aaguid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
"""The id of a model of authenticators, in small letters."""
UNKNOWN_AAGUID: Final = "00000000-0000-0000-0000-000000000000"
MOST_MODELS: Final = 200
_AAGUID_EXTENSION: Final = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_ROOTED: Final = frozenset(
    (
        AttestationFormat.PACKED,
        AttestationFormat.TPM,
        AttestationFormat.FIDO_U2F,
        AttestationFormat.APPLE,
        AttestationFormat.ANDROID_KEY,
    )
)
"""Formats whose certificates can vouch for a model. `android-safetynet` is at its end and vouches for none."""

Refusal = Literal["not_attested", "model_not_allowed", "model_refused", "not_certified"]
"""Why a key is not taken: for the page, which says what would be."""


class AttestationPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys an organisation takes."""

    demand: Literal["none", "attested", "certified"] = "none"
    """Any key; keys whose maker vouches for their model; of these only models that FIDO certified at `level`."""
    level: Annotated[int, msgspec.Meta(ge=1, le=3)] = 1
    allowed: Annotated[tuple[Aaguid, ...], msgspec.Meta(max_length=MOST_MODELS)] = ()
    """Models; not empty: only these, attested."""
    denied: Annotated[tuple[Aaguid, ...], msgspec.Meta(max_length=MOST_MODELS)] = ()
    """Models; where nothing is attested, by what a key says of itself."""

    @property
    def asks(self) -> bool:
        """Whether the browser is asked for an attestation at all; it may ask its person whether they agree."""
        return self.demands_proof or bool(self.denied)

    @property
    def demands_proof(self) -> bool:
        """Whether a key without an attestation is refused."""
        return self.demand != "none" or bool(self.allowed)


ANY_KEY: Final = AttestationPolicy()
"""What holds where an organisation says nothing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the model of a key that is being registered."""

    format: str
    aaguid: str
    model: Model | None
    """As the metadata tells of it, whether or not the attestation proves it."""
    attested: bool
    """The attestation leads to a root of this very model."""
    why_not: str = ""
    """For the log."""


def refusal(policy: AttestationPolicy, evidence: Evidence, now: datetime) -> Refusal | None:
    """Why an organisation does not take a key; None: it does. A model that is known to be broken nobody takes."""
    today = now.astimezone(UTC).date()
    if evidence.model is not None and evidence.model.refused(today):
        return "model_refused"
    if evidence.aaguid in policy.denied:
        return "model_not_allowed"
    if policy.demands_proof and not evidence.attested:
        return "not_attested"
    if policy.allowed and evidence.aaguid not in policy.allowed:
        return "model_not_allowed"
    if policy.demand == "certified" and (evidence.model is None or evidence.model.certified(today) < policy.level):
        return "not_certified"
    return None


def weigh(attestation_object: bytes, aaguid: str, metadata: Metadata | None, now: datetime) -> Evidence:
    """What the attestation of a new key proves, once the library has verified its statement."""
    parsed = parse_attestation_object(attestation_object)
    kind = AttestationFormat(parsed.fmt)  # the library leaves a plain text there
    model = metadata.models.get(aaguid) if metadata is not None else None
    why_not = _why_not(kind, parsed.att_stmt, aaguid, model, now)
    if not why_not and metadata is not None and not metadata.is_current(now):
        why_not = "the metadata is out of date"
    return Evidence(kind.value, aaguid, model, not why_not, why_not)


def android_roots(models: Iterable[Model]) -> list[bytes]:
    """What the library takes for roots of `android-key`, in PEM: it wants the last certificate to be among them."""
    roots = {root for model in models for root in model.roots}
    return [x509.load_der_x509_certificate(root).public_bytes(Encoding.PEM) for root in roots]


def _why_not(kind: AttestationFormat, statement: Any, aaguid: str, model: Model | None, now: datetime) -> str:
    """Why an attestation does not prove the model; empty: it does."""
    if kind not in _ROOTED or not statement.x5c:
        return "no attestation by certificates"
    if model is None or aaguid == UNKNOWN_AAGUID:
        return "a model that the metadata does not know"
    today = now.astimezone(UTC).date()
    try:
        chain = [x509.load_der_x509_certificate(one) for one in statement.x5c]
        roots = [x509.load_der_x509_certificate(one) for one in model.roots]
        verify_chain(chain, roots=roots, now=now)
        named = _named_model(chain[0])
    except (UntrustedChain, ValueError) as error:
        return f"its certificates: {error}"
    if model.compromised(today) & {one.public_bytes(Encoding.DER) for one in chain}:
        return "a certificate that vouches for nothing any more"
    if kind is AttestationFormat.PACKED and not _is_attestation(chain[0]):
        return "a certificate that is no authenticator's (Level 3, section 8.2.1)"
    if named not in (None, aaguid):
        return "a certificate of another model"
    return ""


def _named_model(certificate: x509.Certificate) -> str | None:
    """The model that a certificate is for (`id-fido-gen-ce-aaguid`); None: it names none. Raises `ValueError`."""
    try:
        found = certificate.extensions.get_extension_for_oid(_AAGUID_EXTENSION)
    except x509.ExtensionNotFound:
        return None
    raw = found.value.value if isinstance(found.value, x509.UnrecognizedExtension) else b""
    if found.critical or len(raw) != 18 or raw[:2] != b"\x04\x10":
        raise ValueError("it names its model in a way that is not understood")
    text = raw[2:].hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _is_attestation(certificate: x509.Certificate) -> bool:
    units = [one.value for one in certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATIONAL_UNIT_NAME)]
    try:
        is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
    return certificate.version is x509.Version.v3 and units == ["Authenticator Attestation"] and not is_authority
