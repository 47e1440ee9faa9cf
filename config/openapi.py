"""OpenAPI 3.1 documents, made from the table that makes the routes, so that neither says what the other does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from config.problem import PROBLEM_JSON

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
class Api:
    """What a document says of the whole."""

    title: str
    description: str
    base: str
    problem: type[msgspec.Struct] = ProblemDocument
    path_schemas: tuple[tuple[str, Schema], ...] = ()
    """By the name of a parameter of a path; a string where nothing is said."""


def document(api: Api, operations: Sequence[Operation]) -> dict[str, Any]:
    """The document of these operations."""
    kinds = [kind for operation in operations for kind in (operation.answers, operation.asks) if kind is not None]
    named = [*dict.fromkeys(kinds), api.problem]
    schemas, components = msgspec.json.schema_components(named, ref_template="#/components/schemas/{name}")
    by_kind: dict[type, Any] = dict(zip(named, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _operation(api, operation, by_kind)
        paths.setdefault(api.base + operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": api.title, "version": "1", "description": api.description},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(api: Api, operation: Operation, schemas: dict[type, Any]) -> dict[str, Any]:
    known = dict(api.path_schemas)
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": known.get(name, _ANY)}
        for name in _PARAMETER.findall(operation.path)
    ]
    in_query = [
        {"name": name, "in": "query", "description": meaning, "schema": _ANY} for name, meaning in operation.query
    ]
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": [*in_path, *in_query],
        "responses": {
            str(operation.status.value): {
                "description": operation.status.phrase,
                "content": {operation.media: {"schema": _answered(operation, schemas)}},
            },
            "default": {"description": "A problem", "content": {PROBLEM_JSON: {"schema": schemas[api.problem]}}},
        },
    }
    if operation.asks is not None:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schemas[operation.asks]}},
        }
    return described


def _answered(operation: Operation, schemas: dict[type, Any]) -> Any:
    return schemas[operation.answers] if operation.media == JSON else _ANY
