"""Casbin's own files become a draft, over real engines."""

from __future__ import annotations

from typing import Any

import pytest

from policy.admin.scopes import READ, WRITE
from tests.policy.test_admin import Caller, call
from tests.policy.test_contents import do
from tests.policy.test_scopes import holding

__all__ = ["call"]

MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act
"""
POLICY = """p, editor, /articles/:id, write
g, alice, editor
"""


def body(**changes: Any) -> dict[str, Any]:
    return {"model": MODEL, "policy": POLICY, "setting": {"zone": "shop"}, **changes}


async def test_what_casbin_says_of_a_zone_stands_beside_the_rest(call: Caller) -> None:
    made = await do(call, "POST", "/import", body(), who=holding(WRITE))
    assert made.status_code == 201, made.text
    place = made.headers["location"].removeprefix("/api/policy")
    before = {rule["id"] for rule in (await do(call, "GET", "/versions/1/rules")).json()["rules"]}
    rules = (await do(call, "GET", f"{place}/rules")).json()["rules"]
    [new] = [rule for rule in rules if rule["id"] not in before]
    assert (new["role"], new["zone"], new["path"]) == ("editor", "shop", "/articles/:id")
    assert len(rules) == len(before) + 1
    assert [one["id"] for one in (await do(call, "GET", f"{place}/assignments")).json()["assignments"]] == [
        "alice~editor"
    ]


async def test_what_was_taken_over_before_is_replaced(call: Caller) -> None:
    first = await do(call, "POST", "/import", body())
    number = first.json()["version"]["number"]
    assert (await call("POST", f"/versions/{number}/publish", {"why": "a test"})).status_code == 200
    again = await do(call, "POST", "/import", body(policy="p, editor, /news/:id, write\ng, alice, editor\n"))
    place = again.headers["location"].removeprefix("/api/policy")
    rules = (await do(call, "GET", f"{place}/rules?role=editor")).json()["rules"]
    assert [rule["path"] for rule in rules] == ["/news/:id"]


@pytest.mark.parametrize(
    ("changes", "line", "about"),
    [
        ({"policy": POLICY + "q, 1\n"}, 3, "policy: "),
        ({"model": "[matchers]\n"}, None, "model: "),
    ],
)
async def test_what_cannot_be_taken_over_is_named(
    call: Caller, changes: dict[str, str], line: int | None, about: str
) -> None:
    refused = await do(call, "POST", "/import", body(**changes))
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-POLICY-004")
    [error] = refused.json()["errors"][:1]
    assert error["message"].startswith(about)
    assert line is None or error["line"] == line


async def test_it_takes_the_scope_of_drafts(call: Caller) -> None:
    assert (await do(call, "POST", "/import", body(), who=holding(READ))).status_code == 403
