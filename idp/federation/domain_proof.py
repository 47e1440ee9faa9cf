"""How an organisation shows that a domain is its own: a file on the domain's web site says what nobody else was told.

Pure. Whoever can put a file there, under the domain's own certificate, is taken for its owner, as certificate
authorities take them (RFC 8555, section 8.3, but over HTTPS alone).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final
from uuid import UUID

PATH: Final = "/.well-known/munjigi-domain.txt"
LARGEST: Final = 4096
"""Bytes of the file: one line for each provider that the domain is to lead to."""
_NAME: Final = "munjigi-domain="


def address_of(domain: str) -> str:
    """Where the file stands."""
    return f"https://{domain}{PATH}"


def line_of(secret: bytes, provider_id: UUID, domain: str) -> str:
    """The line that it must have: of one provider and one domain, so that whoever copies it proves nothing else."""
    digest = hmac.digest(secret, f"{provider_id}\n{domain}".encode(), hashlib.sha256)
    return _NAME + base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def says(document: bytes, line: str) -> bool:
    """Whether the file has it, among others or alone."""
    return line.encode("ascii") in (one.strip() for one in document.splitlines())
