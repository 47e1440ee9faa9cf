"""An OpenAPI 3.1 document of the endpoints that `idp.openapi` describes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from config.openapi import ProblemDocument, Schema
from config.problem import PROBLEM_JSON
from idp.endpoints.parameters import FORM
from idp.openapi import ENDPOINTS
from idp.openapi_words import Answer, Endpoint, Header, Parameter
from idp.routes import Method


def document(issuer: str) -> dict[str, Any]:
    """The description of the provider at `issuer`."""
    told = (answer.kind for row in ENDPOINTS for answer in row.answers if answer.kind is not None)
    kinds = list(dict.fromkeys([*told, *(row.body for row in ENDPOINTS if row.body is not None)]))
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    by_kind: Mapping[type, Schema] = dict(zip(kinds, schemas, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Munjigi, the OpenID provider",
            "version": "1",
            "description": "OAuth 2.0 and OpenID Connect, for relying apps.",
        },
        "servers": [{"url": issuer}],
        "paths": {
            row.path: {
                **_in_path(row.path),
                **{method.lower(): _operation(row, method, by_kind) for method in row.methods},
            }
            for row in ENDPOINTS
        },
        "components": {
            "schemas": components,
            "securitySchemes": {
                "client_basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
                "bound_token": {"type": "http", "scheme": "dpop"},
            },
        },
    }


def _in_path(path: str) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", path)
    one = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    return {"parameters": one} if one else {}


def _operation(row: Endpoint, method: Method, schemas: Mapping[type, Schema]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": row.summary,
        "responses": _answers(row.answers, schemas),
    }
    asked: list[dict[str, Any]] = [
        {"name": one.name, "in": "header", "required": False, **_header(one)} for one in row.headers
    ]
    if row.security:
        described["security"] = [{name: []} if name else {} for name in row.security]
    if row.body is not None and method in ("POST", "PUT"):
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schemas[row.body]}}}
    elif method == "GET" and row.parameters:
        asked += [
            {
                "name": one.name,
                "in": "query",
                "required": one.required,
                "description": one.means,
                "schema": _schema(one),
            }
            for one in row.parameters
            if not one.in_form_alone
        ]
    elif row.parameters:
        needed = not all(one.in_form_alone for one in row.parameters)
        described["requestBody"] = {"required": needed, "content": {FORM: {"schema": _form(row.parameters)}}}
    if asked:
        described["parameters"] = asked
    return described


def _header(header: Header) -> dict[str, Any]:
    return {"description": header.means, "schema": {"type": "string"}}


def _answers(answers: Sequence[Answer], schemas: Mapping[type, Schema]) -> dict[str, Any]:
    """By status; where several have the same one, each is told by its media type."""
    described: dict[str, Any] = {}
    for answer in answers:
        one, status = _answer(answer, schemas), str(answer.status)
        if (first := described.get(status)) is not None:
            one["description"] = f"{first['description']}; or {one['description']}"
            for name in ("headers", "content"):
                if united := {**first.get(name, {}), **one.get(name, {})}:
                    one[name] = united
        described[status] = one
    return described


def _answer(answer: Answer, schemas: Mapping[type, Schema]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.means}
    if answer.headers:
        described["headers"] = {header.name: _header(header) for header in answer.headers}
    if answer.kind is ProblemDocument:
        described["content"] = {PROBLEM_JSON: {"schema": schemas[answer.kind]}, "text/html": {}}
    elif answer.kind is not None:
        described["content"] = {"application/json": {"schema": schemas[answer.kind]}}
    return described


def _form(parameters: Sequence[Parameter]) -> Schema:
    return {
        "type": "object",
        "properties": {one.name: _schema(one) for one in parameters},
        "required": [one.name for one in parameters if one.required],
    }


def _schema(parameter: Parameter) -> Schema:
    described: Schema = {"type": "string"}
    if parameter.one_of:
        described["enum"] = list(parameter.one_of)
    if parameter.means:
        described["description"] = parameter.means
    return described
