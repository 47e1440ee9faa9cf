"""Elevations and measures over the API, on real engines, by people as the gateway vouches for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from config.clock import SystemClock
from jose.assertion import Subject
from policy.artefact import ElevationRule
from policy.overlay.live import LiveOverlay
from policy.overlay.overlay import Overlay
from policy.storage.overlay import OverlayStore
from tests.policy.test_admin import ADMIN, CUSTOMER, ELSEWHERE, GOOD_RULES, LOADED, OPERATOR, Caller, Databases, call

__all__ = ["call"]
HERE = str(OPERATOR)
ASKER = Subject(
    sid="a" * 22, sub="u-asker", org=HERE, roles=("support",), acr="urn:munjigi:acr:2", auth_time=LOADED
)  # fmt: skip
WISH = {"role": "administrator", "seconds": 600, "reason": "the printer is on fire"}
ORDER = {"target": {"kind": "person", "value": "u-odd"}, "effect": "deny", "seconds": 600, "why": "a test"}


async def asked(call: Caller, **changes: object) -> dict[str, Any]:
    answer = await call("POST", "/elevations", {**WISH, **changes}, who=ASKER)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/policy/elevations/{made['id']}"
    return made


async def act(call: Caller, ident: str, what: str, who: Subject = ADMIN) -> tuple[int, dict[str, Any]]:
    answer = await call("POST", f"/elevations/{ident}/{what}", {"why": "a test"}, who=who)
    return answer.status_code, answer.json()


async def in_force(database: Databases) -> Overlay:
    """What a gateway reads."""
    live = LiveOverlay(database("gateway"), OverlayStore(), SystemClock(), operator=HERE)
    await live.refresh()
    assert live.overlay.known
    return live.overlay


async def records(database: Databases) -> list[tuple[str, str, str]]:
    query = "SELECT kind, actor, subject FROM audit.record WHERE kind ~ '^(elevation|measure)_' ORDER BY id"
    async with database("owner").begin() as tx:
        return [tuple(row) for row in await tx.execute(text(query))]


async def test_a_role_is_asked_for_granted_by_somebody_else_and_ended(call: Caller, database: Databases) -> None:
    made = await asked(call)
    assert (made["state"], made["sub"], made["organisation"]) == ("asked", "u-asker", HERE)
    assert (await in_force(database)).elevations == 0
    status, granted = await act(call, made["id"], "approve")
    assert (status, granted["state"], granted["decided_by"]) == (200, "approved", "u-admin")
    lasts = datetime.fromisoformat(granted["ends_at"]) - datetime.fromisoformat(granted["starts_at"])
    assert lasts.total_seconds() == 600
    assert (await in_force(database)).elevations == 1
    status, ended = await act(call, made["id"], "end", ASKER)
    assert (status, ended["state"], ended["ended_by"]) == (200, "ended", "u-asker")
    assert (await in_force(database)).elevations == 0
    name = f"elevation:{made['id']}"
    assert await records(database) == [
        ("elevation_asked", "u-asker", name),
        ("elevation_approved", "u-admin", name),
        ("elevation_ended", "u-asker", name),
    ]


async def test_nobody_decides_about_their_own(call: Caller) -> None:
    made = await asked(call)
    both = msgspec.structs.replace(ASKER, roles=("administrator", "support"))
    for what in ("approve", "refuse"):
        status, refused = await act(call, made["id"], what, both)
        assert (status, refused["code"]) == (403, "MJ-POLICY-061")


async def test_an_elevated_approver_is_none(call: Caller) -> None:
    first = await asked(call)
    await act(call, first["id"], "approve")
    other = msgspec.structs.replace(ASKER, sub="u-other")
    second = (await call("POST", "/elevations", WISH, who=other)).json()
    elevated = msgspec.structs.replace(ASKER, roles=("administrator", "support"))  # as the gateway tells of them now
    assert (await act(call, second["id"], "approve", elevated))[0] == 404
    assert (await call("GET", "/current", who=elevated)).status_code == 200, "but an administrator otherwise"


@pytest.mark.parametrize(
    ("changes", "wish", "code"),
    [
        ({"roles": ("customer",)}, {}, "MJ-POLICY-061"),
        ({"org": ""}, {}, "MJ-POLICY-061"),
        ({"actors": ("a-program",)}, {}, "MJ-POLICY-061"),
        ({"roles": ("administrator",)}, {}, "MJ-POLICY-063"),
        ({}, {"seconds": 3601}, "MJ-POLICY-064"),
        ({}, {"role": "nobody.knows"}, "MJ-POLICY-061"),
        ({}, {"reason": ""}, "MJ-POLICY-005"),
        ({"acr": "urn:munjigi:acr:1"}, {}, "MJ-POLICY-012"),
        ({"auth_time": LOADED - 1000}, {}, "MJ-POLICY-012"),
    ],
)
async def test_what_nobody_gets(call: Caller, changes: dict[str, Any], wish: dict[str, Any], code: str) -> None:
    refused = await call("POST", "/elevations", {**WISH, **wish}, who=msgspec.structs.replace(ASKER, **changes))
    assert refused.json()["code"] == code


async def test_a_role_is_asked_for_once_and_a_wish_is_taken_back_once(call: Caller) -> None:
    made = await asked(call)
    again = await call("POST", "/elevations", WISH, who=ASKER)
    assert (again.status_code, again.json()["code"]) == (409, "MJ-POLICY-063")
    assert (await act(call, made["id"], "withdraw"))[0] == 403
    assert (await act(call, made["id"], "withdraw", ASKER))[1]["state"] == "withdrawn"
    for what in ("approve", "refuse", "end"):
        assert (await act(call, made["id"], what))[1]["code"] == "MJ-POLICY-062"
    assert (await act(call, made["id"], "withdraw", ASKER))[1]["code"] == "MJ-POLICY-062"
    refused = await act(call, (await asked(call))["id"], "refuse")
    assert (refused[1]["state"], refused[1]["decided_why"]) == ("refused", "a test")


async def test_everybody_sees_their_own_and_what_they_decide_about(call: Caller) -> None:
    made = [await asked(call)]
    await act(call, made[0]["id"], "refuse")
    made.append(await asked(call))
    peer = msgspec.structs.replace(ASKER, sub="u-peer")
    for who, seen in ((ASKER, 2), (ADMIN, 2), (peer, 0), (CUSTOMER, 0), (ELSEWHERE, 0)):
        found = (await call("GET", "/elevations", who=who)).json()["elevations"]
        assert len(found) == seen, who.sub
    assert (await call("GET", f"/elevations/{made[0]['id']}", who=peer)).status_code == 404
    assert (await act(call, made[1]["id"], "approve", peer))[0] == 404
    page = (await call("GET", "/elevations?limit=1", who=ASKER)).json()
    assert [one["id"] for one in page["elevations"]] == [made[1]["id"]]
    rest = (await call("GET", f"/elevations?limit=1&after={page['next']}", who=ASKER)).json()
    assert ([one["id"] for one in rest["elevations"]], rest["next"]) == ([made[0]["id"]], None)
    waiting = (await call("GET", "/elevations?state=asked", who=ADMIN)).json()["elevations"]
    assert [one["id"] for one in waiting] == [made[1]["id"]]
    for wrong in ("state=none", "after=x", "limit=0"):
        assert (await call("GET", f"/elevations?{wrong}", who=ADMIN)).json()["code"] == "MJ-POLICY-005"
    assert (await call("GET", "/elevations/x", who=ADMIN)).status_code == 404


async def test_a_draft_keeps_the_elevations_of_the_published_policy(call: Caller) -> None:
    rule = ElevationRule("customer", "customer", "administrator", 60)
    for elevations, expected in ((None, "support"), ([msgspec.to_builtins(rule)], "customer")):
        body = {"why": "a test", "rules": GOOD_RULES} | ({} if elevations is None else {"elevations": elevations})
        number = (await call("POST", "/drafts", body)).json()["version"]["number"]
        shown = (await call("GET", f"/versions/{number}")).json()["elevations"]
        assert [one["asked_by"] for one in shown] == [expected]
    wrong = [{**msgspec.to_builtins(rule), "approved_by": "nobody"}]
    refused = await call("POST", "/drafts", {"why": "a test", "rules": GOOD_RULES, "elevations": wrong})
    assert [one["fault"] for one in refused.json()["errors"]] == ["unknown_role"]


async def test_a_measure_is_ordered_listed_and_lifted_in_one_call(call: Caller, database: Databases) -> None:
    made = (await call("POST", "/measures", ORDER)).json()
    assert (made["target"], made["by"], made["lifted_at"]) == (ORDER["target"], "u-admin", None)
    assert (await in_force(database)).measures == 1
    listed = (await call("GET", "/measures?state=stands")).json()["measures"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert (await call("GET", f"/measures/{made['id']}", who=ELSEWHERE)).json()["why"] == "a test"
    lifted = (await call("POST", f"/measures/{made['id']}/lift", {"why": "it was a mistake"})).json()
    assert (lifted["lifted_by"], lifted["lifted_why"]) == ("u-admin", "it was a mistake")
    assert (await in_force(database)).measures == 0
    again = await call("POST", f"/measures/{made['id']}/lift", {"why": "a test"})
    assert (again.status_code, again.json()["code"]) == (404, "MJ-POLICY-066")
    assert [one["id"] for one in (await call("GET", "/measures?state=over")).json()["measures"]] == [made["id"]]
    assert await records(database) == [
        ("measure_taken", "u-admin", "person:u-odd"),
        ("measure_lifted", "u-admin", "person:u-odd"),
    ]


@pytest.mark.parametrize("who", [CUSTOMER, ASKER, ELSEWHERE])
async def test_only_administrators_of_the_operator_order_measures(call: Caller, who: Subject) -> None:
    assert (await call("POST", "/measures", ORDER, who=who)).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": {"kind": "address", "value": "0.0.0.0/0"}},
        {"target": {"kind": "planet", "value": "earth"}},
        {"effect": "risk"},
        {"seconds": 31 * 86_400},
        {"why": ""},
    ],
)
async def test_what_nobody_can_order(call: Caller, wrong: dict[str, Any]) -> None:
    refused = await call("POST", "/measures", {**ORDER, **wrong})
    assert refused.json()["code"] in ("MJ-POLICY-005", "MJ-POLICY-067")
    assert refused.status_code == 422


async def people(database: Databases, *administrators: str) -> list[str]:
    """Administrators of the operating organisation, by name; their ids."""
    ids = []
    async with database("owner").begin() as tx:
        await tx.execute(
            text("INSERT INTO idp.organisation (id, name, created_at) VALUES (:id, 'house', now())"), {"id": OPERATOR}
        )
        for name in administrators:
            query = (
                "INSERT INTO idp.user_account (id, display_name, created_at) "
                "VALUES (gen_random_uuid(), :name, now()) RETURNING id"
            )
            ident = await tx.scalar(text(query), {"name": name})
            member = (
                "INSERT INTO idp.membership (user_id, organisation_id, roles, joined_at) "
                "VALUES (:user, :organisation, '{administrator}', now())"
            )
            await tx.execute(text(member), {"user": ident, "organisation": OPERATOR})
            ids.append(str(ident))
    return ids


async def test_the_last_administrator_is_not_locked_out(call: Caller, database: Databases) -> None:
    first, second = await people(database, "first", "second")

    async def order(who: str, effect: str = "deny") -> int:
        points = {"points": 90} if effect == "risk" else {}
        body = {**ORDER, "target": {"kind": "person", "value": who}, "effect": effect, **points}
        answer = await call("POST", "/measures", body)
        assert answer.status_code == 201 or answer.json()["code"] == "MJ-POLICY-068"
        return answer.status_code

    assert await order(first) == 201
    for effect in ("deny", "shrink", "risk"):
        assert await order(second, effect) == 409, "the first is denied already"
    assert await order(second, "step_up") == 201, "which the last one can do"
    assert await order("u-nobody") == 201
