"""The OpenAPI document of the policy API says all that whoever makes a client of it must know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from policy.admin.scopes import SCOPES
from tests.policy.test_admin import Caller, call

__all__ = ["call"]

Document = dict[str, Any]


@pytest.fixture
async def document(call: Caller) -> Document:
    told: Document = (await call("GET", "/openapi.json")).json()
    return told


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def header(operation: Document, name: str) -> Document | None:
    return next((one for one in operation["parameters"] if one["in"] == "header" and one["name"] == name), None)


async def test_each_operation_has_a_name_scopes_and_problems(document: Document) -> None:
    schemes = document["components"]["securitySchemes"]
    assert set(schemes["program"]["flows"]["clientCredentials"]["scopes"]) == set(SCOPES)
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for method, path, operation in operations(document):
        *programs, person = operation["security"]
        assert person == {"administrator": []}
        assert [set(one["program"]) <= set(SCOPES) for one in programs] == [True] * len(programs), path
        assert programs or path.startswith("/api/policy/elevations"), "only people ask for elevations"
        assert "default" in operation["responses"], (method, path)
        assert not programs or "MJ-POLICY-033" in operation["responses"]["403"]["description"]
        good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert "Munjigi-Correlation-Id" in good[0]["headers"]
        if "{number}" in path:
            assert "MJ-POLICY-002" in operation["responses"]["404"]["description"]


async def test_examples_of_problems_are_such_as_are_told(call: Caller, document: Document) -> None:
    told = (await call("GET", "/versions/999")).json()
    shown = document["paths"]["/api/policy/versions/{number}"]["get"]["responses"]["404"]
    example = shown["content"]["application/problem+json"]["examples"]["MJ-POLICY-002"]["value"]
    assert {**example, "correlation_id": ""} == {**told, "correlation_id": ""}


async def test_what_is_changed_twice_at_once_or_sent_twice_is_told_of(document: Document) -> None:
    for method, path, operation in operations(document):
        scope = operation["security"][0].get("program")
        changes = scope != ["policy:read"] if scope is not None else method != "GET"
        assert (header(operation, "Idempotency-Key") is not None) == changes, (method, path)
        match = header(operation, "If-Match")
        assert (match is not None) == ("412" in operation["responses"]), (method, path)
        if match is not None:
            assert match["required"]
        if method == "DELETE":
            assert [one["required"] for one in operation["parameters"] if one["name"] == "why"] == [True]


async def test_every_body_has_an_example_which_is_taken(call: Caller, document: Document) -> None:
    bodies = 0
    for method, path, operation in operations(document):
        if "requestBody" not in operation:
            continue
        bodies += 1
        content = operation["requestBody"]["content"]["application/json"]
        assert "example" in content, (method, path)
        place = path.removeprefix("/api/policy").replace("{number}", "1").replace("{id}", "x")
        answer = await call(method, place, content["example"])
        assert answer.json().get("code") != "MJ-POLICY-005" or path.endswith("{id}"), (method, path, answer.text)
    assert bodies > 10
