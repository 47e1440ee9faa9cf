"""Entity tags (RFC 9110, sections 8.8.3 and 13.1): nobody overwrites what somebody else changed meanwhile.

Tags are strong, and of what is kept rather than of its JSON: the same thing has the same tag at every node.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from starlette.requests import Request

_ONE = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
Match = Literal["same", "other", "unsaid"]


def tag(*parts: object) -> str:
    """The tag of a thing that is the same as long as all of `parts` are, by their text."""
    told = hashlib.sha256()
    for part in parts:
        piece = str(part).encode()
        told.update(len(piece).to_bytes(8, "big") + piece)
    return f'"{told.hexdigest()[:32]}"'


def match(request: Request, current: str) -> Match:
    """Whether a request is about the tag of now, or `*`, by its `If-Match`; `unsaid`: it has none."""
    sent = request.headers.getlist("if-match")
    if not sent:
        return "unsaid"
    told = ", ".join(sent).strip(" \t")
    return "same" if told == "*" or current in _strong(told) else "other"


def unchanged(request: Request, current: str) -> bool:
    """Whether whoever asks has the tag of now already, by their `If-None-Match` (RFC 9110, section 13.1.2): answer 304.

    Here a weak tag matches the strong one (section 8.8.3.2)."""
    told = ", ".join(request.headers.getlist("if-none-match")).strip(" \t")
    return told == "*" or current in {found.group(2) for found in _ONE.finditer(told)}


def _strong(told: str) -> set[str]:
    """The strong ones of a list: a weak tag matches nothing here (RFC 9110, section 8.8.3.2)."""
    return {found.group(2) for found in _ONE.finditer(told) if found.group(1) is None}
