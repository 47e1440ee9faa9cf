"""A draft's rules, roles and assignments, one by one and in bulk, over real engines."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from policy.admin.scopes import READ
from tests.policy.test_admin import ADMIN, GOOD_RULES, Caller, Databases, call, drafted
from tests.policy.test_scopes import holding

__all__ = ["call"]

WHY = "a test"
RULE = {"id": "night", "priority": 5, "role": "customer", "zone": "shop", "path": "/orders", "effect": "deny"}
ASSIGNMENT = {"subject": "u-7", "role": "administrator", "organisation": "org-1"}


async def do(
    call: Caller,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    match: str | None = "*",
    who: Any = ADMIN,
) -> httpx2.Response:
    headers = {"Munjigi-Assertion": call.assertion(who), **({} if match is None else {"If-Match": match})}
    sent: dict[str, Any] = {"json": {"why": WHY, **body}} if body is not None else {}
    if method == "DELETE":
        sent = {"params": {"why": WHY}}
    return await call.client.request(method, f"/api/policy{path}", headers=headers, **sent)


async def names(call: Caller, number: int, what: str, name: str) -> list[str]:
    answer = await do(call, "GET", f"/versions/{number}/{what}?limit=1000")
    return [one[name] for one in answer.json()[what]]


async def test_a_rule_is_added_replaced_and_removed_each_by_the_tag_of_the_change_before(call: Caller) -> None:
    number = await drafted(call)
    tag = (await do(call, "GET", f"/versions/{number}/rules")).headers["etag"]
    made = await do(call, "POST", f"/versions/{number}/rules", {"rule": RULE}, match=tag)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/api/policy/versions/{number}/rules/night"
    assert (await names(call, number, "rules", "id"))[:2] == ["night", "everyone.reads"]
    stale = await do(call, "PUT", f"/versions/{number}/rules/night", {"rule": RULE}, match=tag)
    assert (stale.status_code, stale.json()["code"]) == (412, "MJ-POLICY-032")
    assert stale.headers["etag"] == made.headers["etag"]
    changed = {"rule": {**RULE, "path": "/other"}}
    put = await do(call, "PUT", f"/versions/{number}/rules/night", changed, match=made.headers["etag"])
    assert put.status_code == 200
    assert "/other" in await names(call, number, "rules", "path")
    gone = await do(call, "DELETE", f"/versions/{number}/rules/night", match=put.headers["etag"])
    assert gone.status_code == 200
    assert gone.headers["etag"] == tag, "it is the draft that it was"


async def test_roles_and_assignments_too(call: Caller) -> None:
    number = await drafted(call)
    role = {"role": {"name": "clerk", "inherits": [{"role": "customer", "organisation": "org-1"}]}}
    assert (await do(call, "POST", f"/versions/{number}/roles", role)).status_code == 201
    given = await do(call, "POST", f"/versions/{number}/assignments", {"assignment": ASSIGNMENT})
    place = given.headers["location"].removeprefix("/api/policy")
    assert place.endswith("/assignments/u-7~administrator~org-1")
    listed = (await do(call, "GET", f"/versions/{number}/assignments?subject=u-7")).json()["assignments"]
    assert listed == [{"id": "u-7~administrator~org-1", **ASSIGNMENT}]
    assert (await do(call, "GET", f"/versions/{number}/assignments?subject=u-8")).json()["assignments"] == []
    assert (await do(call, "PUT", place, {"assignment": ASSIGNMENT})).status_code == 200
    assert (await do(call, "DELETE", place)).status_code == 200
    assert (await do(call, "DELETE", place)).json()["code"] == "MJ-POLICY-037"
    found = (await do(call, "GET", f"/versions/{number}/roles")).json()["roles"]
    assert {"name": "clerk", "inherits": [{"role": "customer", "organisation": "org-1"}]} in found
    assert (await do(call, "DELETE", f"/versions/{number}/roles/clerk")).status_code == 200
    assert "clerk" not in await names(call, number, "roles", "name")


async def test_many_changes_are_done_all_or_none(call: Caller, database: Databases) -> None:
    number = await drafted(call)
    before = await names(call, number, "rules", "id")
    assert before[0] == "everyone.reads"
    changes = [
        {"do": "put_rule", "rule": RULE},
        {"do": "remove_rule", "id": "everyone.reads"},
        {"do": "put_assignment", "assignment": ASSIGNMENT},
    ]
    refused = await do(
        call, "POST", f"/versions/{number}/bulk", {"changes": [*changes, {"do": "remove_role", "name": "x"}]}
    )
    assert (refused.status_code, refused.json()["code"]) == (404, "MJ-POLICY-037")
    assert await names(call, number, "rules", "id") == before
    done = await do(call, "POST", f"/versions/{number}/bulk", {"changes": changes})
    assert done.status_code == 200, done.text
    assert await names(call, number, "rules", "id") == ["night", *before[1:]]
    assert await names(call, number, "assignments", "subject") == ["u-7"]
    async with database("owner").connect() as tx:
        acts = list(
            await tx.scalars(text("SELECT act FROM policy.history WHERE version = :n ORDER BY id"), {"n": number})
        )
    assert acts == ["drafted", "edited"]


async def test_what_would_be_no_policy_is_refused_with_its_faults(call: Caller) -> None:
    number = await drafted(call)
    refused = await do(call, "PUT", f"/versions/{number}/rules/night", {"rule": {**RULE, "role": "stranger"}})
    assert (refused.status_code, [each["fault"] for each in refused.json()["errors"]]) == (422, ["unknown_role"])
    locked = await do(call, "DELETE", f"/versions/{number}/rules/admin")
    assert [each["fault"] for each in locked.json()["errors"]] == ["administrator_locked_out"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "rules", {"rule": {**RULE, "id": "admin"}}, 409, "MJ-POLICY-038"),
        ("PUT", "rules/other", {"rule": RULE}, 422, "MJ-POLICY-005"),
        ("PUT", "rules/night", {"rule": {**RULE, "priority": -1}}, 422, "MJ-POLICY-005"),
        ("DELETE", "rules/nothing", None, 404, "MJ-POLICY-037"),
        ("DELETE", "assignments/nothing", None, 404, "MJ-POLICY-037"),
        ("POST", "bulk", {"changes": []}, 422, "MJ-POLICY-005"),
        ("POST", "bulk", {"changes": [{"do": "nothing"}]}, 422, "MJ-POLICY-005"),
        ("GET", "rules?after=x", None, 422, "MJ-POLICY-005"),
        ("GET", "rules?limit=0", None, 422, "MJ-POLICY-005"),
    ],
)
async def test_what_cannot_be_done(
    call: Caller, method: str, path: str, body: dict[str, Any] | None, status: int, code: str
) -> None:
    number = await drafted(call)
    answer = await do(call, method, f"/versions/{number}/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_change_without_a_tag_or_of_what_is_no_draft_is_refused(call: Caller) -> None:
    number = await drafted(call)
    bare = await do(call, "POST", f"/versions/{number}/rules", {"rule": RULE}, match=None)
    assert (bare.status_code, bare.json()["code"]) == (428, "MJ-POLICY-031")
    published = await do(call, "POST", "/versions/1/rules", {"rule": RULE})
    assert (published.status_code, published.json()["code"]) == (404, "MJ-POLICY-002")
    reader = await do(call, "POST", f"/versions/{number}/rules", {"rule": RULE}, who=holding(READ))
    assert reader.status_code == 403


async def test_pages_end_where_the_next_begins(call: Caller) -> None:
    lines = "".join(f"p, {10 + i % 3}, r{i:02}, customer, *, shop, /p{i}, GET, , allow,\n" for i in range(25))
    number = await drafted(call, GOOD_RULES + lines)
    every = (await do(call, "GET", f"/versions/{number}/rules?limit=1000")).json()["rules"]
    paged: list[str] = []
    path = f"/versions/{number}/rules?limit=7&zone=shop"
    cursor = ""
    while True:
        page = (await do(call, "GET", path + (f"&after={cursor}" if cursor else ""))).json()
        assert len(page["rules"]) <= 7
        paged += [rule["id"] for rule in page["rules"]]
        if (cursor := page["next"]) is None:
            break
    assert paged == [rule["id"] for rule in every if rule["zone"] == "shop"]
    assert len(paged) == 26


async def test_who_holds_what_is_listed_of_the_published_version(call: Caller) -> None:
    assert (await do(call, "GET", "/assignments")).json() == {"assignments": [], "next": None}
    number = await drafted(call)
    await do(call, "PUT", f"/versions/{number}/assignments/u-7~administrator~org-1", {"assignment": ASSIGNMENT})
    assert (await do(call, "GET", "/assignments")).json()["assignments"] == []
    assert (await call("POST", f"/versions/{number}/publish", {"why": WHY})).status_code == 200
    assert [
        one["subject"] for one in (await do(call, "GET", "/assignments?role=administrator")).json()["assignments"]
    ] == ["u-7"]
