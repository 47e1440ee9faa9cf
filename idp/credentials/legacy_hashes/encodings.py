"""How hashes are written: base64 with and without padding, and the alphabets of crypt."""

from __future__ import annotations

import base64
import binascii

from idp.credentials.legacy_hashes.scheme import NotAHash


def base64_bytes(text: str) -> bytes:
    """Of base64 in any alphabet (libpass writes `.` for `+`), padded or not. Raises `NotAHash`."""
    plain = text.rstrip("=").translate(_TO_STANDARD)
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAHash("what should be base64 is not") from error


def base64_text(content: bytes) -> str:
    """base64 without padding."""
    return base64.b64encode(content).rstrip(b"=").decode()


def hex_bytes(text: str) -> bytes:
    """Raises `NotAHash`."""
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise NotAHash("what should be hexadecimal is not") from error


def crypt64(content: bytes) -> str:
    """The base64 of phpass: least significant bits first, in crypt's alphabet."""
    letters = []
    for at in range(0, len(content), 3):
        part = content[at : at + 3]
        value = int.from_bytes(part, "little")
        letters += [CRYPT64[value >> 6 * place & 63] for place in range(len(part) + 1)]
    return "".join(letters)


CRYPT64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TO_STANDARD = str.maketrans(".-_", "++/")
