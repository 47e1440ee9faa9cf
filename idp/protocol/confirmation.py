"""The key that a token is bound to (`cnf`, RFC 7800): by DPoP (RFC 9449, 6) or by a certificate (RFC 8705, 3.1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

JKT: Final = "jkt"
X5T: Final = "x5t#S256"
METHODS: Final = frozenset({JKT, X5T})
LARGEST_CERTIFICATE: Final = 16_384
"""Characters of a certificate in a header."""

Confirmation = Mapping[str, str]
"""The members of `cnf` that are understood here; empty: whoever bears the token may use it."""

_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


class UnknownConfirmation(ValueError):
    """A token is bound in a way that nobody here can check: it must be refused, not taken as if it were free."""


def confirmation_of(claims: Mapping[str, object]) -> Confirmation:
    """What a token is bound to. Raises `UnknownConfirmation`."""
    cnf = claims.get("cnf")
    if cnf is None:
        return {}
    if not isinstance(cnf, Mapping) or not cnf or not METHODS.issuperset(cnf):
        raise UnknownConfirmation("cnf")
    members = {str(name): value for name, value in cnf.items() if isinstance(value, str)}
    if len(members) != len(cnf):
        raise UnknownConfirmation("cnf")
    return members


def is_met(bound: Confirmation, proven: Confirmation) -> bool:
    """Whether every key that something is bound to was proven; compared in constant time."""
    return all(hmac.compare_digest(value.encode(), proven.get(name, "").encode()) for name, value in bound.items())


def certificate_thumbprint(der: bytes) -> str:
    """`x5t#S256`: the base64url of the SHA-256 of a certificate's DER (RFC 8705, section 3.1)."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def read_client_cert(value: bytes) -> bytes | None:
    """The DER of a `Client-Cert` header field: a byte sequence (RFC 9440, section 2.1; RFC 9651, section 3.3.5).

    Or a percent-encoded PEM, as nginx has it in `$ssl_client_escaped_cert`. None: it is neither.
    """
    value = value.strip(b" \t")
    if len(value) > LARGEST_CERTIFICATE:
        return None
    if len(value) > 2 and value.startswith(b":") and value.endswith(b":"):
        encoded = value[1:-1]
    elif value.startswith(b"-----BEGIN"):
        pem = unquote_to_bytes(value).strip()
        if not (pem.startswith(_BEGIN) and pem.endswith(_END)):
            return None
        encoded = b"".join(pem[len(_BEGIN) : -len(_END)].split())
    else:
        return None
    try:
        return base64.b64decode(encoded, validate=True) or None
    except binascii.Error:
        return None
