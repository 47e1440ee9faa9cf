"""Message encryption for Web Push (RFC 8291), in the coding `aes128gcm` (RFC 8188): one record, from us to one browser.

The browser's key and secret come with its subscription; the sender's key is made for each message and forgotten.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SALT_SIZE: Final = 16
SECRET_SIZE: Final = 16
"""Bytes of a subscription's authentication secret (RFC 8291, section 3.2)."""
KEY_SIZE: Final = 65
"""Bytes of an uncompressed point of P-256 (X9.62)."""
RECORD_SIZE: Final = 4096
"""Push services carry no more (RFC 8030, section 7.2), so there is one record."""
LONGEST: Final = RECORD_SIZE - SALT_SIZE - 4 - 1 - KEY_SIZE - 16 - 1
"""Bytes of a message: what is left of 4096 beside the header of RFC 8188, the tag and the delimiter."""
_LAST_RECORD: Final = b"\x02"


def encrypt(
    message: bytes, *, browser_key: bytes, secret: bytes, sender: EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """The body of a push message with `Content-Encoding: aes128gcm`.

    `browser_key` and `secret` are `p256dh` and `auth` of the subscription; `sender` and `salt` are for this message
    alone. Raises `ValueError` where any of it has the wrong form, or the message is too long.
    """
    if len(message) > LONGEST:
        raise ValueError(f"a push message has {LONGEST} bytes at most")
    if len(secret) != SECRET_SIZE or len(salt) != SALT_SIZE:
        raise ValueError("secret and salt have 16 bytes")
    receiver = read_key(browser_key)
    own = point(sender.public_key())
    shared = sender.exchange(ECDH(), receiver)
    # RFC 8291, section 3.4: the secret of the subscription makes the shared secret this subscription's alone
    keyed = _derive(shared, secret, b"WebPush: info\x00" + browser_key + own, 32)
    key = _derive(keyed, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derive(keyed, salt, b"Content-Encoding: nonce\x00", 12)
    head = salt + RECORD_SIZE.to_bytes(4, "big") + bytes([len(own)]) + own  # RFC 8188, section 2.1
    return head + AESGCM(key).encrypt(nonce, message + _LAST_RECORD, None)


def read_key(key: bytes) -> EllipticCurvePublicKey:
    """A browser's public key. Raises `ValueError` unless it is an uncompressed point on P-256."""
    if len(key) != KEY_SIZE or key[0] != 4:
        raise ValueError("not an uncompressed point of P-256")
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key)


def point(key: EllipticCurvePublicKey) -> bytes:
    """A public key as an uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derive(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key)
