"""How a page is told whose it is, and nothing more of them."""

from __future__ import annotations

import hashlib


def person_mark(authority: str, user_id: str) -> str:
    """Opaque; the same for all pages of one host that belong to one person."""
    return opaque("person", authority, user_id)


def opaque(*parts: str) -> str:
    """Whether something is the same as before, for whoever must not know what it is."""
    return hashlib.sha256("\0".join(("munjigi", *parts)).encode()).hexdigest()[:22]
