"""The certificate that a client came with, at the gateway's own TLS or at a trusted proxy's (RFC 9440)."""

from __future__ import annotations

import ssl

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.exchange import ClientCertificate
from idp.protocol.confirmation import certificate_thumbprint, read_client_cert


def certificate_of(connection: ssl.SSLObject) -> ClientCertificate | None:
    """The one shown on a connection whose TLS ends here: verified against our own authorities, which so vouch for its
    name, or there would be no connection."""
    der = connection.getpeercert(binary_form=True)
    return None if der is None else ClientCertificate(certificate_thumbprint(der), _common_name(der))


def told_by_proxy(field: bytes) -> ClientCertificate | None:
    """One that a trusted proxy saw; None where the field holds none.

    The client has its key, but nobody here knows who vouches for it (nginx passes on any with `optional_no_ca`): it has
    no name.
    """
    der = read_client_cert(field)
    return None if der is None else ClientCertificate(certificate_thumbprint(der))


def _common_name(der: bytes) -> str:
    """The subject's one common name; empty where it has none or several, or one that is no printable ASCII."""
    try:
        found = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ""
    if len(found) != 1:
        return ""
    name = found[0].value
    return name if isinstance(name, str) and name.isascii() and name.isprintable() else ""
