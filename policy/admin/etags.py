"""Whatever has an entity tag is changed only by a request that names it in `If-Match`; one without is refused
(RFC 6585, section 3)."""

from __future__ import annotations

from starlette.requests import Request

from config.entity_tags import match, tag
from config.problem import Problem
from policy.admin import problems
from policy.versions import Version


def version_tag(version: Version, *more: object) -> str:
    """The tag of a version; `more`: what stands beside it and changes by itself."""
    return tag("version", version.number, version.state, version.sha256, *more)


def require_match(request: Request, current: str) -> None:
    """Let only a change pass whose `If-Match` names the tag of now, or `*`. Call it in the transaction of the change.

    Raises `PRECONDITION_REQUIRED` without the header, `PRECONDITION_FAILED` where another tag is of now.
    """
    said = match(request, current)
    if said != "same":
        kind = problems.PRECONDITION_REQUIRED if said == "unsaid" else problems.PRECONDITION_FAILED
        raise Problem(kind, headers={"ETag": current})
