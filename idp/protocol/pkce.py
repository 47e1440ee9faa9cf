"""Proof Key for Code Exchange (RFC 7636), with S256 as the only method."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_challenge(text: str) -> bool:
    """Whether this can be the BASE64URL of a SHA-256 (section 4.2)."""
    return _CHALLENGE.fullmatch(text) is not None


def is_verifier(text: str) -> bool:
    """Whether this is a well-formed `code_verifier` (section 4.1)."""
    return _VERIFIER.fullmatch(text) is not None


def challenge_of(verifier: str) -> str:
    """BASE64URL-ENCODE(SHA256(ASCII(verifier))) (section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def verifies(verifier: str, challenge: str) -> bool:
    """Whether a verifier is the one that a challenge was made of (section 4.6), compared in constant time."""
    return is_verifier(verifier) and hmac.compare_digest(challenge_of(verifier), challenge)
