"""The OpenAPI 3.1 document, made from the same table as the routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from config.problem import PROBLEM_JSON
from jose.assertion import HEADER
from policy.admin.problems import FaultEntry

_PARAMETER = re.compile(r"\{(\w+)\}")


class ProblemDocument(msgspec.Struct):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    correlation_id: str
    errors: list[FaultEntry] = []


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API does."""

    method: str
    path: str
    summary: str
    answers: type[msgspec.Struct]
    asks: type[msgspec.Struct] | None = None
    status: HTTPStatus = HTTPStatus.OK


def document(base: str, operations: Sequence[Operation]) -> dict[str, Any]:
    """The document of these operations under `base`."""
    kinds = [kind for operation in operations for kind in (operation.answers, operation.asks) if kind is not None]
    schemas, components = msgspec.json.schema_components(
        [*dict.fromkeys(kinds), ProblemDocument], ref_template="#/components/schemas/{name}"
    )
    by_kind: dict[type, Any] = dict(zip([*dict.fromkeys(kinds), ProblemDocument], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(base + operation.path, {})[operation.method.lower()] = _operation(operation, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Munjigi policy administration",
            "version": "1",
            "description": f"Reached through the gateway, which adds {HEADER}; for administrators.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(operation: Operation, schemas: dict[type, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
        for name in _PARAMETER.findall(operation.path)
    ]
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            str(operation.status.value): {
                "description": operation.status.phrase,
                "content": {"application/json": {"schema": schemas[operation.answers]}},
            },
            "default": {"description": "A problem", "content": {PROBLEM_JSON: {"schema": schemas[ProblemDocument]}}},
        },
    }
    if operation.asks is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[operation.asks]}},
        }
    return described
