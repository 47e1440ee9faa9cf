"""What the OpenAPI document says of each operation beside its messages: headers, scopes, problems, examples."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from config.openapi import Details, Header, Operation, Schema
from config.problem import CORRELATION_HEADER, ProblemType
from policy.admin import problems
from policy.admin.examples import EXAMPLES
from policy.admin.scopes import SCOPES

PROGRAM, PERSON = "program", "administrator"
_DRAFT = "/versions/{number}"
_PIECES = tuple(f"{_DRAFT}/{name}" for name in ("rules", "roles", "assignments"))
_MATCH: Final = Header(
    "If-Match", "The ETag that it is a change of (RFC 9110, section 13.1.1)", True, '"9f86d081884c7d659a2feaa0c55ad015"'
)
_KEY: Final = Header(
    "Idempotency-Key",
    "The same request with the same key within 24 hours is answered the same, and done once "
    "(draft-ietf-httpapi-idempotency-key-header)",
    False,
    '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
)
_MARK: Final = Header(CORRELATION_HEADER, "Names this exchange in every record of it", True)
_TAG: Final = Header("ETag", "What a change of it names in If-Match")
_PLACE: Final = Header("Location", "Where the new one stands", True)
_BODY = (problems.NOT_JSON, problems.TOO_LARGE, problems.NOT_UNDERSTOOD)
_OWN: Mapping[str, tuple[ProblemType, ...]] = {
    "/current": (problems.NO_POLICY,),
    "/assignments": (problems.NO_POLICY,),
    "/drafts": (problems.FAULTY,),
    "/import": (problems.FAULTY,),
    "/rollback": (problems.NO_SUCH_VERSION, problems.FAULTY),
    f"{_DRAFT}/publish": (problems.OVERTAKEN, problems.FAULTY),
}

PARAMETERS: tuple[tuple[str, Schema], ...] = (
    ("number", {"type": "integer", "minimum": 1}),
    ("version", {"type": "integer", "minimum": 1}),
    ("against", {"type": "integer", "minimum": 1}),
    ("before", {"type": "integer", "minimum": 1}),
    ("limit", {"type": "integer", "minimum": 1}),
    ("why", {"type": "string", "minLength": 3, "maxLength": 1000}),
)
"""Schemas of parameters, by their names."""


def schemes(issuer: str) -> dict[str, Schema]:
    """Who may come: programs by a token of their own, people by the session that the gateway holds."""
    flow = {"tokenUrl": f"{issuer}/token", "scopes": SCOPES}
    return {
        PROGRAM: {
            "type": "oauth2",
            "description": "A program that a rule of the policy names, by a token for what it asks (RFC 6749, 4.4)",
            "flows": {"clientCredentials": flow},
        },
        PERSON: {
            "type": "openIdConnect",
            "description": "An administrator; changes take two factors of the last 15 minutes (RFC 9470)",
            "openIdConnectUrl": f"{issuer}/.well-known/openid-configuration",
        },
    }


def describe(operation: Operation, scope: str | None, *, changing: bool, once: bool) -> Details:
    """The details of one operation; without a scope it is for people alone, whom its group admits."""
    matched = changing and is_matched(operation)
    return Details(
        ident=_ident(operation),
        asks=(*((_MATCH,) if matched else ()), *((_KEY,) if once else ())),
        answers=tuple(_answers(operation)),
        problems=tuple(dict.fromkeys(_problems(operation, scope, changing=changing, once=once, matched=matched))),
        security=(*(({PROGRAM: (scope,)},) if scope is not None else ()), {PERSON: ()}),
        example=_example(operation.asks),
        needed=frozenset({"why"}) if operation.method == "DELETE" else frozenset(),
    )


def is_matched(operation: Operation) -> bool:
    """Whether it changes something that has a tag, and takes no word that does not name it."""
    if operation.path.endswith("/shadow"):
        return False
    if operation.path.endswith("/approval"):
        return operation.method == "POST"
    if not operation.path.startswith(_DRAFT):
        return False
    return operation.method in ("PUT", "DELETE") or operation.path in (*_PIECES, f"{_DRAFT}/bulk")


def _answers(operation: Operation) -> Sequence[Header]:
    tagged = operation.path in ("/current", "/drafts", "/assignments", _DRAFT) or operation.path.startswith(_PIECES)
    return (
        _MARK,
        *((_TAG,) if tagged and not (operation.path == _DRAFT and operation.method == "DELETE") else ()),
        *((_PLACE,) if operation.status == 201 else ()),
    )


def _problems(
    operation: Operation, scope: str | None, *, changing: bool, once: bool, matched: bool
) -> Sequence[ProblemType]:
    piece = operation.path.startswith(_PIECES) and changing
    return (
        *((problems.NOT_ADMINISTRATOR, problems.SCOPE_MISSING) if scope is not None else ()),
        *((problems.NOT_OPERATOR, problems.FACTORS_NOT_FRESH) if changing else ()),
        *((problems.WRONG_KEY, problems.KEY_REUSED, problems.UNDER_WAY) if once else ()),
        *((problems.PRECONDITION_REQUIRED, problems.PRECONDITION_FAILED) if matched else ()),
        *((problems.NO_SUCH_VERSION,) if "{number}" in operation.path else ()),
        *((problems.OVERTAKEN, problems.FAULTY) if (matched and operation.method != "DELETE") or piece else ()),
        *((problems.NO_SUCH_ENTRY,) if piece and "{id}" in operation.path else ()),
        *((problems.ALREADY_THERE,) if piece and operation.method == "POST" else ()),
        *(_BODY if operation.asks is not None else ()),
        *((problems.NOT_UNDERSTOOD,) if operation.query or "{id}" in operation.path else ()),
        *_OWN.get(operation.path, ()),
    )


def _example(kind: type[msgspec.Struct] | None) -> object:
    found = EXAMPLES.get(kind.__name__) if kind is not None else None
    return msgspec.to_builtins(found)


def _ident(operation: Operation) -> str:
    """`POST /versions/{number}/publish`: `post_versions_number_publish`."""
    return operation.method.lower() + re.sub(r"[^a-z]+", "_", operation.path).rstrip("_")
