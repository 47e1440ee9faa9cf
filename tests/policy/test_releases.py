"""The life of a version over the API: edited, tested, compared, approved, shadowed, published; each act on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import pytest
from sqlalchemy import text

from config.clock import SystemClock
from config.connections import Valkey
from config.envelope import Envelope
from config.settings import Settings
from jose.assertion import AssertionSigner
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from policy import demo
from policy.admin.app import application
from tests.policy.test_admin import ADMIN, GOOD_RULES, OPERATOR, Caller, Databases, drafted

OTHER = msgspec.structs.replace(ADMIN, sub="u-other", sid="o" * 22)
THIRD = msgspec.structs.replace(ADMIN, sub="u-third", sid="t" * 22)
MORE = GOOD_RULES + "p, 30, more, customer, *, shop, /more, POST, , allow,\n"
READS = {
    "name": "customers read",
    "effect": "allow",
    "winner": "everyone.reads",
    "request": {
        "zone": "shop",
        "method": "GET",
        "path": "/products",
        "at": 1_767_581_400,
        "subject": {"id": "u-1", "organisation": "org-1", "roles": ["customer"], "assurance": 1},
        "facts": {"country": "KR", "device_trust": 2},
    },
}
NOBODY_READS = {**READS, "name": "nobody reads", "effect": "deny", "winner": None}


@pytest.fixture
async def four_eyes(settings: Settings, database: Databases, valkey: Valkey) -> AsyncIterator[Caller]:
    """The API where it takes two to publish."""
    async for caller in _caller(settings, database, valkey, approvals=2):
        yield caller


@pytest.fixture
async def call(settings: Settings, database: Databases, valkey: Valkey) -> AsyncIterator[Caller]:
    async for caller in _caller(settings, database, valkey, approvals=1):
        yield caller


async def _caller(settings: Settings, database: Databases, valkey: Valkey, *, approvals: int) -> AsyncIterator[Caller]:
    await demo.load(settings)
    keys, clock = SigningKeys(Envelope.load(settings)), SystemClock()
    async with database("gateway").begin() as tx:
        ring = await keys.ensure_active(tx, "assertion", datetime.now(UTC))
    entrance = await Entrance.open("policy", database("policy"), keys.assertion_keys, clock)
    api = application(database("policy"), valkey, keys, clock, OPERATOR, approvals=approvals)
    transport = httpx2.ASGITransport(entrance.around(api))
    async with httpx2.AsyncClient(transport=transport, base_url="http://console.localhost:8080") as client:
        yield Caller(client, AssertionSigner(ring))


async def tag(call: Caller, number: int) -> str:
    found: str = (await call("GET", f"/versions/{number}")).headers["etag"]
    return found


async def published(call: Caller, number: int, **more: Any) -> httpx2.Response:
    return await call("POST", f"/versions/{number}/publish", {"why": "a test", **more})


async def acts(call: Caller) -> list[tuple[str, int, str]]:
    """What the history has, the first first."""
    entries = (await call("GET", "/history?limit=200")).json()["entries"]
    return [(entry["act"], entry["version"], entry["who"]) for entry in reversed(entries)]


async def test_a_draft_is_edited_by_whoever_saw_what_it_says(call: Caller) -> None:
    made = await call("POST", "/drafts", {"why": "a test", "rules": GOOD_RULES, "tests": [READS]})
    number, seen = made.json()["version"]["number"], made.headers["etag"]
    assert seen == await tag(call, number)
    edited = await call("PUT", f"/versions/{number}", {"why": "one more", "rules": MORE}, match=seen)
    assert (edited.status_code, edited.json()["version"]["number"]) == (200, number)
    shown = await call("GET", f"/versions/{number}")
    assert "more,customer" in shown.json()["rules"]
    assert [test["name"] for test in shown.json()["tests"]] == ["customers read"]  # what is left out stays
    assert shown.headers["etag"] == edited.headers["etag"] != seen
    late = await call("PUT", f"/versions/{number}", {"why": "too late", "rules": GOOD_RULES}, match=seen)
    assert (late.status_code, late.headers["etag"]) == (412, edited.headers["etag"])
    assert (await call("GET", f"/versions/{number}")).json()["rules"] == shown.json()["rules"]


@pytest.mark.parametrize("match", [None, 'W/"{}"', '"another"'])
async def test_an_edit_without_the_right_tag_changes_nothing(call: Caller, match: str | None) -> None:
    number = await drafted(call)
    seen = await tag(call, number)
    sent = None if match is None else match.format(seen.strip('"'))
    for method, path, body in (
        ("PUT", "", {"why": "a test", "rules": MORE}),
        ("DELETE", "?why=a%20test", None),
        ("POST", "/approval", {"why": "a test"}),
    ):
        refused = await call(method, f"/versions/{number}{path}", body, match=sent)
        assert refused.status_code == (428 if match is None else 412), (method, path)
    assert await tag(call, number) == seen
    assert [act for act, *_ in await acts(call)] == ["drafted", "published", "drafted"]


async def test_what_is_faulty_is_not_edited_in(call: Caller) -> None:
    number = await drafted(call)
    seen = await tag(call, number)
    refused = await call("PUT", f"/versions/{number}", {"why": "a test", "rules": "p, 1"}, match=seen)
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-POLICY-004")
    assert await tag(call, number) == seen


async def test_only_drafts_are_edited_and_withdrawn(call: Caller) -> None:
    number = await drafted(call)
    assert (await published(call, number)).status_code == 200
    for version in (1, number):
        match = await tag(call, version)
        answer = await call("PUT", f"/versions/{version}", {"why": "a test", "rules": MORE}, match=match)
        assert answer.status_code == 404
        assert (await call("DELETE", f"/versions/{version}?why=a%20test", match=match)).status_code == 404
    overtaken, late = await drafted(call), await drafted(call)
    assert (await published(call, late)).status_code == 200
    match = await tag(call, overtaken)
    answer = await call("PUT", f"/versions/{overtaken}", {"why": "a test", "rules": MORE}, match=match)
    assert (answer.status_code, answer.json()["code"]) == (409, "MJ-POLICY-003")


async def test_a_withdrawn_draft_stays_on_record_and_is_nothing_more(call: Caller) -> None:
    number = await drafted(call)
    match = await tag(call, number)
    assert (await call("DELETE", f"/versions/{number}", match=match)).status_code == 422  # nobody says why
    why = quote("누가 이미 고쳤어요")
    gone = await call("DELETE", f"/versions/{number}?why={why}", match=match)
    assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")
    assert (await published(call, number)).status_code == 404
    assert (await call("POST", "/rollback", {"to": number, "why": "a test"})).status_code == 404
    entry = (await call("GET", "/history?limit=1")).json()["entries"][0]
    assert (entry["act"], entry["why"]) == ("withdrawn", "누가 이미 고쳤어요")


async def test_lint_finds_and_saves_nothing(call: Caller) -> None:
    rules = (
        GOOD_RULES
        + "p, 11, no.reading, customer, *, shop, /a/*, GET, , deny,\n"
        + ("p, 12, never, customer, *, shop, /n, GET, risk > 50 and risk < 20, allow,\n")
    )
    found = (await call("POST", "/lint", {"rules": rules, "tests": [NOBODY_READS]})).json()["findings"]
    told = {(each["fault"], each.get("rule", ""), each["severity"], each.get("line")) for each in found}
    assert told == {
        ("test_failed", "", "error", None),
        ("never_matches", "never", "warning", 7),
    }
    assert len((await call("GET", "/versions")).json()["versions"]) == 1
    wrong = await call("POST", "/lint", {"rules": "p, 10, a, stranger, *, nowhere, /**, GET, , allow,"})
    assert {each["fault"] for each in wrong.json()["findings"]} == {"unknown_zone", "unknown_role"}
    unread = await call("POST", "/lint", {"rules": "p, 1"})
    assert (unread.status_code, unread.json()["errors"][0]["line"]) == (422, 1)


async def test_tests_travel_with_the_policy_and_a_failing_one_refuses_publishing(call: Caller) -> None:
    body = {"why": "a test", "rules": GOOD_RULES, "tests": [READS, NOBODY_READS]}
    made = await call("POST", "/drafts", body)
    number = made.json()["version"]["number"]
    assert [fault["fault"] for fault in made.json()["warnings"]] == ["test_failed"]
    report = (await call("POST", f"/versions/{number}/test")).json()
    assert (report["passed"], report["failed"]) == (1, 1)
    failing = report["results"][1]
    assert (failing["name"], failing["passed"], failing["expected"], failing["got"], failing["winner"]) == (
        *("nobody reads", False, "deny", "allow"),
        "everyone.reads",
    )
    refused = await published(call, number)
    assert refused.status_code == 422
    assert [fault["fault"] for fault in refused.json()["errors"]] == ["test_failed"]
    assert (await call("GET", "/current")).json()["version"]["number"] == 1
    mended = {"why": "mended", "rules": GOOD_RULES, "tests": [READS]}
    await call("PUT", f"/versions/{number}", mended, match=await tag(call, number))
    assert (await published(call, number)).status_code == 200
    tried = await call("POST", "/test", {"rules": GOOD_RULES.replace('"KR"', '"JP"')})  # the published tests
    assert (tried.json()["failed"], tried.json()["results"][0]["differs"]) == (1, ["effect", "winner"])


async def test_a_misspelt_fact_of_a_test_is_an_error(call: Caller) -> None:
    wrong = {**READS, "request": {**READS["request"], "facts": {"contry": "KR"}}}  # type: ignore[dict-item]
    refused = await call("POST", "/drafts", {"why": "a test", "rules": GOOD_RULES, "tests": [wrong]})
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-POLICY-005")
    assert "contry" in refused.json()["detail"]


async def test_a_zone_is_shut_only_by_whoever_names_it(call: Caller) -> None:
    rules = "\n".join(line for line in GOOD_RULES.splitlines() if "reservation" not in line)
    made = await call("POST", "/drafts", {"why": "a test", "rules": rules})
    assert [(each["fault"], each["severity"]) for each in made.json()["warnings"]] == [("zone_shut", "error")]
    number = made.json()["version"]["number"]
    for named in ([], ["shop"]):
        refused = await published(call, number, confirm=named)
        assert [fault["fault"] for fault in refused.json()["errors"]] == ["zone_shut"]
    assert (await published(call, number, confirm=["reservation"])).status_code == 200
    assert (await call("GET", "/history?limit=1")).json()["entries"][0]["details"]["confirmed"] == ["reservation"]
    back = await call("POST", "/rollback", {"to": 1, "why": "a test"})
    assert back.status_code == 200
    again = await call("POST", "/rollback", {"to": number, "why": "a test"})
    assert again.status_code == 422
    named = await call("POST", "/rollback", {"to": number, "why": "a test", "confirm": ["reservation"]})
    assert named.status_code == 200


async def test_what_a_version_changes(call: Caller) -> None:
    number = await drafted(call)
    await published(call, number)
    changed = MORE.replace('["KR', '["FR').replace('[""KR""', '[""FR""')
    later = await drafted(call, changed)
    told = (await call("GET", f"/versions/{later}/difference")).json()
    assert (told["version"], told["against"]) == (later, number)
    assert [(rule["id"], rule["change"]) for rule in told["rules"]] == [
        ("everyone.reads", "changed"),
        ("more", "added"),
    ]
    assert told["rules"][1]["after"]["path"] == "/more"
    assert "+ p,30,more,customer,*,shop,/more,POST,,allow,\n" in told["text"]
    back = (await call("GET", f"/versions/{number}/difference?against={later}")).json()
    assert [rule["change"] for rule in back["rules"]] == ["changed", "removed"]
    same = (await call("GET", f"/versions/{number}/difference?against={number}")).json()
    assert (same["rules"], same["text"]) == ([], "")
    assert (await call("GET", f"/versions/{number}/difference?against=999")).status_code == 404


async def approve(call: Caller, number: int, who: Any, match: str | None = None) -> httpx2.Response:
    match = match or await tag(call, number)
    return await call("POST", f"/versions/{number}/approval", {"why": "I read it"}, who=who, match=match)


async def test_it_takes_two_where_that_is_asked_for(four_eyes: Caller) -> None:
    number = await drafted(four_eyes)
    refused = await published(four_eyes, number)
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-POLICY-041")
    own = await approve(four_eyes, number, ADMIN)
    assert (own.status_code, own.json()["code"]) == (403, "MJ-POLICY-042")
    told = (await approve(four_eyes, number, OTHER)).json()
    assert (told["needed"], [each["who"] for each in told["approvals"]]) == (1, ["u-other"])
    shown = (await four_eyes("GET", f"/versions/{number}")).json()["approvals"]
    assert shown == told
    assert (await published(four_eyes, number)).status_code == 200  # by its author


async def test_the_approver_may_publish_and_nobody_need_approve_a_roll_back(four_eyes: Caller) -> None:
    number = await drafted(four_eyes)
    await approve(four_eyes, number, OTHER)
    body = {"why": "a test"}
    assert (await four_eyes("POST", f"/versions/{number}/publish", body, who=OTHER)).status_code == 200
    assert (await four_eyes("POST", "/rollback", {"to": 1, "why": "an emergency"})).status_code == 200
    entry = (await four_eyes("GET", "/history?limit=1")).json()["entries"][0]
    assert (entry["act"], entry["why"], entry["details"]["restores"]) == ("rolled_back", "an emergency", 1)


async def test_a_changed_draft_is_not_approved_any_more(four_eyes: Caller) -> None:
    number = await drafted(four_eyes)
    seen = await tag(four_eyes, number)
    await approve(four_eyes, number, OTHER)
    await four_eyes("PUT", f"/versions/{number}", {"why": "one more", "rules": MORE}, match=seen)
    assert (await published(four_eyes, number)).status_code == 409
    assert (await approve(four_eyes, number, OTHER, match=seen)).status_code == 412  # of what was seen
    back = {"why": "back again", "rules": GOOD_RULES}
    await four_eyes("PUT", f"/versions/{number}", back, who=THIRD, match=await tag(four_eyes, number))
    assert await tag(four_eyes, number) == seen
    assert (await published(four_eyes, number)).status_code == 409  # what was taken away does not come back
    assert (await approve(four_eyes, number, THIRD)).status_code == 403  # who edits is an author, too
    await approve(four_eyes, number, OTHER)
    assert (await published(four_eyes, number)).status_code == 200


async def test_an_approval_is_taken_back(four_eyes: Caller) -> None:
    number = await drafted(four_eyes)
    await approve(four_eyes, number, OTHER)
    untouched = await four_eyes("DELETE", f"/versions/{number}/approval?why=a%20test", who=THIRD)
    assert [each["who"] for each in untouched.json()["approvals"]] == ["u-other"]
    left = await four_eyes("DELETE", f"/versions/{number}/approval?why=a%20test", who=OTHER)
    assert left.json()["approvals"] == []
    assert (await published(four_eyes, number)).status_code == 409


async def test_publishing_what_was_seen(call: Caller) -> None:
    number = await drafted(call)
    seen = await tag(call, number)
    await call("PUT", f"/versions/{number}", {"why": "one more", "rules": MORE}, match=seen)
    body = {"why": "a test"}
    assert (await call("POST", f"/versions/{number}/publish", body, match=seen)).status_code == 412
    assert (await call("POST", f"/versions/{number}/publish", body, match=await tag(call, number))).status_code == 200


async def test_the_history_has_every_act_and_so_has_the_audit(four_eyes: Caller, database: Databases) -> None:
    number = await drafted(four_eyes)
    await four_eyes(
        "PUT", f"/versions/{number}", {"why": "one more", "rules": MORE}, match=await tag(four_eyes, number)
    )
    await four_eyes("POST", f"/versions/{number}/shadow", {"why": "to see", "seconds": 60})
    await four_eyes("DELETE", f"/versions/{number}/shadow?why=seen%20enough")
    await approve(four_eyes, number, OTHER)
    await four_eyes("DELETE", f"/versions/{number}/approval?why=a%20test", who=OTHER)
    await approve(four_eyes, number, OTHER)
    await published(four_eyes, number)
    await four_eyes("POST", "/rollback", {"to": 1, "why": "a test"})
    gone = await drafted(four_eyes)
    await four_eyes("DELETE", f"/versions/{gone}?why=a%20test", match=await tag(four_eyes, gone))
    told = [
        ("drafted", 1, "munjigi"),
        ("published", 1, "munjigi"),
        ("drafted", number, "u-admin"),
        ("edited", number, "u-admin"),
        ("shadow_began", number, "u-admin"),
        ("shadow_ended", number, "u-admin"),
        ("approved", number, "u-other"),
        ("approval_withdrawn", number, "u-other"),
        ("approved", number, "u-other"),
        ("published", number, "u-admin"),
        ("rolled_back", number + 1, "u-admin"),
        ("drafted", gone, "u-admin"),
        ("withdrawn", gone, "u-admin"),
    ]
    assert await acts(four_eyes) == told
    async with database("owner").begin() as tx:
        rows = await tx.execute(text("SELECT kind, actor, details FROM audit.record ORDER BY id"))
        recorded = [(row.kind, row.details["version"], row.actor) for row in rows if row.kind.startswith("policy_")]
    assert recorded == [(f"policy_{act}", version, who) for act, version, who in told]
    edited = (await four_eyes("GET", "/history?limit=200")).json()["entries"][-4]
    assert edited["details"]["changes"] == {"rules": {"added": {"count": 1, "ids": ["more"]}}}


async def test_the_history_is_read_page_by_page(call: Caller) -> None:
    for _ in range(3):
        await drafted(call)
    whole = (await call("GET", "/history")).json()
    assert whole["next"] is None
    pages, after = [], ""
    while True:
        page = (await call("GET", f"/history?limit=2{after}")).json()
        pages += page["entries"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert pages == whole["entries"]
    assert len(pages) == 5


async def test_nobody_edits_what_is_being_published(call: Caller) -> None:
    """Whoever comes first wins: what is published is never what nobody sent to be published."""
    for _ in range(5):
        number = await drafted(call)
        seen = await tag(call, number)
        edit, publish = await asyncio.gather(
            call("PUT", f"/versions/{number}", {"why": "one more", "rules": MORE}, match=seen),
            call("POST", f"/versions/{number}/publish", {"why": "a test"}, match=seen),
        )
        assert sorted((edit.status_code, publish.status_code)) in ([200, 404], [200, 412])
        rules = (await call("GET", f"/versions/{number}")).json()["rules"]
        assert ("more" in rules.split(",")) is (edit.status_code == 200)


async def test_two_who_edit_at_once_do_not_overwrite_one_another(call: Caller) -> None:
    number = await drafted(call)
    seen = await tag(call, number)
    bodies = [{"why": "a test", "rules": MORE.replace("/more", f"/more{index}")} for index in range(6)]
    answers = await asyncio.gather(*(call("PUT", f"/versions/{number}", body, match=seen) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]


async def test_an_approval_never_outlives_what_it_is_of(four_eyes: Caller) -> None:
    for _ in range(5):
        number = await drafted(four_eyes)
        seen = await tag(four_eyes, number)
        edit, approval = await asyncio.gather(
            four_eyes("PUT", f"/versions/{number}", {"why": "one more", "rules": MORE}, match=seen),
            approve(four_eyes, number, OTHER, match=seen),
        )
        assert edit.status_code == 200
        assert approval.status_code in (200, 412)
        assert (await four_eyes("GET", f"/versions/{number}")).json()["approvals"]["approvals"] == []
        assert (await published(four_eyes, number)).status_code == 409


async def test_two_who_publish_the_same_at_once(call: Caller) -> None:
    number = await drafted(call)
    answers = await asyncio.gather(*(published(call, number) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
    assert [act for act, version, _ in await acts(call) if version == number] == ["drafted", "published"]


async def test_one_version_shadows_at_a_time(call: Caller) -> None:
    first, second = await drafted(call), await drafted(call, MORE)
    assert (await call("GET", f"/versions/{first}/shadow")).status_code == 404
    body = {"why": "to see", "share": 0.5, "seconds": 600}
    begun = await call("POST", f"/versions/{first}/shadow", body)
    assert (begun.status_code, begun.json()["running"], begun.json()["share"]) == (200, True, 0.5)
    assert (begun.json()["decided"], begun.json()["same"], begun.json()["differing"]) == (0, 0, [])
    for number in (first, second):
        refused = await call("POST", f"/versions/{number}/shadow", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "MJ-POLICY-043")
    assert (await call("GET", f"/versions/{first}")).json()["shadow"]["running"] is True
    ended = await call("DELETE", f"/versions/{first}/shadow?why=a%20test")
    assert ended.json()["running"] is False
    assert (await call("DELETE", f"/versions/{first}/shadow?why=a%20test")).status_code == 404
    answers = await asyncio.gather(*(call("POST", f"/versions/{second}/shadow", body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


@pytest.mark.parametrize("end", ["edit", "withdraw", "publish"])
async def test_a_shadow_ends_with_what_it_is_of(call: Caller, end: str) -> None:
    number = await drafted(call)
    await call("POST", f"/versions/{number}/shadow", {"why": "to see", "seconds": 600})
    match = await tag(call, number)
    if end == "edit":
        await call("PUT", f"/versions/{number}", {"why": "one more", "rules": MORE}, match=match)
    elif end == "withdraw":
        await call("DELETE", f"/versions/{number}?why=a%20test", match=match)
    else:
        await published(call, number)
    assert (await call("GET", f"/versions/{number}/shadow")).json()["running"] is False
