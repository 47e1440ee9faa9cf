"""Entity tags (RFC 9110, sections 8.8.3 and 13.1): nobody overwrites what somebody else changed meanwhile.

Tags are strong, and of what is kept rather than of its JSON: the same thing has the same tag at every node. Whatever
has a tag is changed only by a request that names it in `If-Match`; one without is refused (RFC 6585, section 3).
"""

from __future__ import annotations

import hashlib
import re

from starlette.requests import Request

from config.problem import Problem
from policy.admin import problems
from policy.versions import Version

_ONE = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def tag(*parts: object) -> str:
    """The tag of a thing that is the same as long as all of `parts` are, by their text."""
    told = hashlib.sha256()
    for part in parts:
        piece = str(part).encode()
        told.update(len(piece).to_bytes(8, "big") + piece)
    return f'"{told.hexdigest()[:32]}"'


def version_tag(version: Version, *more: object) -> str:
    """The tag of a version; `more`: what stands beside it and changes by itself."""
    return tag("version", version.number, version.state, version.sha256, *more)


def require_match(request: Request, current: str) -> None:
    """Let only a change pass whose `If-Match` names the tag of now, or `*`. Call it in the transaction of the change.

    Raises `PRECONDITION_REQUIRED` without the header, `PRECONDITION_FAILED` where another tag is of now.
    """
    sent = request.headers.getlist("if-match")
    if not sent:
        raise Problem(problems.PRECONDITION_REQUIRED, headers={"ETag": current})
    told = ", ".join(sent).strip(" \t")
    if told != "*" and current not in _strong(told):
        raise Problem(problems.PRECONDITION_FAILED, headers={"ETag": current})


def _strong(told: str) -> set[str]:
    """The strong ones of a list: a weak tag matches nothing here (RFC 9110, section 8.8.3.2)."""
    return {found.group(2) for found in _ONE.finditer(told) if found.group(1) is None}
