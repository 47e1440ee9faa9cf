"""Whether certificates lead to one that is trusted (RFC 5280, section 6): pure, at a moment that is passed in.

The root may be any certificate, also one that did not sign itself: the metadata of some models names the very
certificate of an attestation as what is trusted (MDS 3.0, `attestationRootCertificates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

LONGEST: Final = 6


class UntrustedChain(Exception):
    """The certificates lead to nothing that is trusted; the message is for the log."""


def verify_chain(chain: Sequence[x509.Certificate], *, roots: Sequence[x509.Certificate], now: datetime) -> None:
    """Raises `UntrustedChain` unless each certificate is issued by the next, and the last by a root, or is one."""
    if not 0 < len(chain) <= LONGEST:
        raise UntrustedChain("none, or too many certificates")
    try:
        for place, certificate in enumerate(chain):
            _valid(certificate, now)
            if place:
                _may_issue(certificate, below=place - 1)
            if certificate in roots:
                return
            above = chain[place + 1] if place + 1 < len(chain) else None
            if above is not None:
                certificate.verify_directly_issued_by(above)
        _issued_by_a_root(chain[-1], roots, now, below=len(chain) - 1)
    except (ValueError, TypeError, InvalidSignature, x509.DuplicateExtension) as error:
        raise UntrustedChain(f"a certificate was not issued by the next: {type(error).__name__}") from error


def _issued_by_a_root(last: x509.Certificate, roots: Sequence[x509.Certificate], now: datetime, *, below: int) -> None:
    for root in roots:
        if root.subject != last.issuer:
            continue
        try:
            last.verify_directly_issued_by(root)
        except (ValueError, TypeError, InvalidSignature):
            continue
        _valid(root, now)
        _may_issue(root, below=below)
        return
    raise UntrustedChain("it leads to no root that is trusted")


def _valid(certificate: x509.Certificate, now: datetime) -> None:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise UntrustedChain("a certificate is not valid now")
    for extension in certificate.extensions:
        unread = isinstance(extension.value, x509.UnrecognizedExtension | x509.NameConstraints)
        if extension.critical and unread:  # section 4.2: what is critical and not understood refuses the certificate
            raise UntrustedChain("a certificate has a critical extension that is not understood")


def _may_issue(certificate: x509.Certificate, *, below: int) -> None:
    """`below`: how many intermediate certificates stand between this one and the first (`pathLenConstraint`)."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise UntrustedChain("an issuer is no authority") from None
    if not constraints.ca or (constraints.path_length is not None and below > constraints.path_length):
        raise UntrustedChain("an issuer is no authority, or not of so many")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not usage.key_cert_sign:
        raise UntrustedChain("an issuer's key may not sign certificates")
