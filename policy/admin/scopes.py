"""OAuth scopes of the API (RFC 6749, section 3.3): what a program's token must be for, one for each kind of act.

A scope is never enough by itself: a program is let in by the policy, whose rule names it (`client:ID`), and does what
its token is for. People have no need of scopes: they are administrators, with fresh factors.
"""

from __future__ import annotations

from config.openapi import Operation

READ = "policy:read"
WRITE = "policy:write"
PUBLISH = "policy:publish"
APPROVE = "policy:approve"
SCOPES = {
    READ: "Look at policies, and ask what they would decide",
    WRITE: "Make and change drafts, and replay decisions by them",
    PUBLISH: "Change what is decided now: publish, roll back, shadow, measures",
    APPROVE: "Agree to what others drafted",
}
"""Each, and what it is for."""

_DRAFTS = (
    "/drafts",
    "/import",
    "/versions/{number}",
    "/versions/{number}/bulk",
    "/versions/{number}/rules",
    "/versions/{number}/rules/{id}",
    "/versions/{number}/roles",
    "/versions/{number}/roles/{id}",
    "/versions/{number}/assignments",
    "/versions/{number}/assignments/{id}",
)
_CHANGES = {
    **dict.fromkeys((*_DRAFTS, "/versions/{number}/replays"), WRITE),
    "/versions/{number}/approval": APPROVE,
}


def scope_of(operation: Operation, *, changing: bool) -> str:
    """The scope of one operation. What changes something and is not named here takes the strongest."""
    return _CHANGES.get(operation.path, PUBLISH) if changing else READ
