"""OpenAPI 3.1 documents, made from the table that makes the routes, so that neither says what the other does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec

from config.problem import HELP_BEHIND_THE_GATEWAY, PROBLEM_JSON, ProblemType

_PARAMETER = re.compile(r"\{(\w+)\}")
JSON = "application/json"
Schema = dict[str, object]
_ANY: Schema = {"type": "string"}


class ProblemDocument(msgspec.Struct):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an API does."""

    method: str
    path: str
    summary: str
    answers: type[msgspec.Struct]
    asks: type[msgspec.Struct] | None = None
    status: HTTPStatus = HTTPStatus.OK
    query: tuple[tuple[str, str], ...] = ()
    """Parameters of the query, each with what it means; none is required."""
    media: str = JSON
    """What it answers with; anything but JSON is described as a text."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header field that a request may bear, or an answer bears."""

    name: str
    meaning: str
    required: bool = False
    example: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """What else an API says of one of its operations."""

    ident: str = ""
    """`operationId`, for those who make clients of the document."""
    asks: tuple[Header, ...] = ()
    answers: tuple[Header, ...] = ()
    problems: tuple[ProblemType, ...] = ()
    """Those that it is known for; any other is told in the same form."""
    security: tuple[Mapping[str, Sequence[str]], ...] = ()
    """By the name of a scheme the scopes that it takes; one of them is enough."""
    example: object = None
    """A body that it takes."""
    needed: frozenset[str] = frozenset()
    """Parameters of the query that are required after all."""


@dataclass(frozen=True, slots=True)
class Api:
    """What a document says of the whole."""

    title: str
    description: str
    base: str
    problem: type[msgspec.Struct] = ProblemDocument
    path_schemas: tuple[tuple[str, Schema], ...] = ()
    """By the name of a parameter, of a path or of the query; a string where nothing is said."""
    security: Mapping[str, Schema] = field(default_factory=dict)
    """Security schemes by their names."""


def _plain(_operation: Operation) -> Details:
    return Details()


def document(
    api: Api, operations: Sequence[Operation], details: Callable[[Operation], Details] = _plain
) -> dict[str, Any]:
    """The document of these operations."""
    kinds = [kind for operation in operations for kind in (operation.answers, operation.asks) if kind is not None]
    named = [*dict.fromkeys(kinds), api.problem]
    schemas, components = msgspec.json.schema_components(named, ref_template="#/components/schemas/{name}")
    by_kind: dict[type, Any] = dict(zip(named, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _operation(api, operation, details(operation), by_kind)
        paths.setdefault(api.base + operation.path, {})[operation.method.lower()] = described
    schemes = {"securitySchemes": dict(api.security)} if api.security else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": api.title, "version": "1", "description": api.description},
        "paths": paths,
        "components": {"schemas": components, **schemes},
    }


def _operation(api: Api, operation: Operation, details: Details, schemas: dict[type, Any]) -> dict[str, Any]:
    problem = schemas[api.problem]
    answer: dict[str, Any] = {"description": operation.status.phrase}
    if operation.status is not HTTPStatus.NO_CONTENT:
        schema = schemas[operation.answers] if operation.media == JSON else _ANY
        answer["content"] = {operation.media: {"schema": schema}}
    if details.answers:
        answer["headers"] = {
            header.name: {"description": header.meaning, "required": header.required, "schema": _ANY}
            for header in details.answers
        }
    described: dict[str, Any] = {
        **({"operationId": details.ident} if details.ident else {}),
        "summary": operation.summary,
        "parameters": _parameters(api, operation, details),
        "responses": {
            str(operation.status.value): answer,
            **_problems(details.problems, problem),
            "default": {"description": "A problem", "content": {PROBLEM_JSON: {"schema": problem}}},
        },
    }
    if details.security:
        described["security"] = [dict(scheme) for scheme in details.security]
    if operation.asks is not None:
        content = {"schema": schemas[operation.asks]}
        if details.example is not None:
            content["example"] = details.example
        described["requestBody"] = {"required": True, "content": {JSON: content}}
    return described


def _parameters(api: Api, operation: Operation, details: Details) -> list[dict[str, Any]]:
    known = dict(api.path_schemas)
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": known.get(name, _ANY)}
        for name in _PARAMETER.findall(operation.path)
    ]
    in_query = [
        {
            "name": name,
            "in": "query",
            "description": meaning,
            "schema": known.get(name, _ANY),
            **({"required": True} if name in details.needed else {}),
        }
        for name, meaning in operation.query
    ]
    in_header = [
        {
            "name": header.name,
            "in": "header",
            "description": header.meaning,
            "required": header.required,
            "schema": _ANY,
            **({"example": header.example} if header.example else {}),
        }
        for header in details.asks
    ]
    return [*in_path, *in_query, *in_header]


def _problems(kinds: Sequence[ProblemType], schema: object) -> dict[str, Any]:
    """By status what may come, each kind with an example of it."""
    by_status: dict[str, list[ProblemType]] = {}
    for kind in kinds:
        by_status.setdefault(str(kind.status.value), []).append(kind)
    return {
        status: {
            "description": "; ".join(f"{kind.code}: {kind.title}" for kind in several),
            "content": {
                PROBLEM_JSON: {
                    "schema": schema,
                    "examples": {kind.code: {"summary": kind.title, "value": _example(kind)} for kind in several},
                }
            },
        }
        for status, several in sorted(by_status.items())
    }


def _example(kind: ProblemType) -> dict[str, object]:
    return {
        "type": f"{HELP_BEHIND_THE_GATEWAY}/{kind.code}",
        "title": kind.title,
        "status": kind.status.value,
        "detail": kind.remedy,
        "code": kind.code,
        "correlation_id": "Xr5zAq0kTn1mB2cD",
    }
