"""Voluntary application server identification (RFC 8292): push services know whose messages these are.

One key for the house, made from a secret that all nodes share: browsers bind their subscriptions to it, so it must not
change; whoever changes it makes every browser subscribe anew.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from joserfc.jwk import ECKey

from config.settings import Settings
from jose.jws import sign
from jose.keys import SigningKey
from notifications.web_push.encryption import point

LIFETIME: Final = 12 * 3600
"""Seconds for which a token is good; RFC 8292, section 2, allows 24 hours at most."""
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Vapid:
    """Signs for the house. `contact` is whom a push service may write to: a `mailto:` or `https:` address."""

    def __init__(self, secret: bytes, contact: str) -> None:
        # FIPS 186-5, A.2.1: 128 bits more than the order has, so that its remainder favours no key
        wide = int.from_bytes(hashlib.sha512(b"munjigi-vapid\0" + secret).digest()[:48], "big")
        private = derive_private_key(wide % (_ORDER - 1) + 1, SECP256R1())
        self._key = SigningKey(ECKey.import_key(private))
        self._contact = contact
        self.public_key = base64.urlsafe_b64encode(point(private.public_key())).rstrip(b"=").decode()
        """What a browser subscribes with (`applicationServerKey`), base64url of an uncompressed point."""

    @classmethod
    def of(cls, settings: Settings, secret: bytes) -> Vapid:
        """Of this house, whom its people's support answers for."""
        return cls(secret, f"mailto:{settings.support.email}" if settings.support.email else settings.idp.issuer)

    def __repr__(self) -> str:
        return f"Vapid({self.public_key})"

    def authorization(self, endpoint: str, now: float) -> str:
        """The `Authorization` header for a post to a push service (RFC 8292, sections 2 and 3)."""
        parts = urlsplit(endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(now) + LIFETIME, "sub": self._contact}
        return f"vapid t={sign(self._key, claims, typ='JWT')}, k={self.public_key}"
