"""The normal form of a login name, so that one person has one name however it was typed (RFC 8265, section 3.3)."""

from __future__ import annotations

import unicodedata

LONGEST = 254
"""Characters; the longest e-mail address there is (RFC 5321, section 4.5.3.1.3, as corrected)."""


def normalise(typed: str) -> str | None:
    """The name as it is stored: width-mapped, lower case, composed, no blanks around; `None` if it cannot be one."""
    if len(typed) > 4 * LONGEST:  # looked at first: to compose many accents takes long
        return None
    if typed.isascii() and typed.isprintable():  # nothing to map or to compose
        plain = typed.strip().lower()
        return plain if 0 < len(plain) <= LONGEST else None
    mapped = unicodedata.normalize("NFKC", typed).strip()
    name = unicodedata.normalize("NFC", mapped.lower())
    if not 0 < len(name) <= LONGEST or any(unicodedata.category(c)[0] == "C" for c in name):
        return None
    return name
