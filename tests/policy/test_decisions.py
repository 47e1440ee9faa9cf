"""The API of recorded decisions: for the operating organisation, as JSON and as text."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import text

from config.clock import SystemClock
from jose.assertion import Subject
from policy.decision import Effect
from policy.demo import shipped_policy
from policy.recording import blocks
from policy.storage.decisions import RecordedDecisions
from tests.policy.samples import request
from tests.policy.test_admin import ADMIN, CUSTOMER, ELSEWHERE, Caller, Databases, asked, call, drafted  # noqa: F401
from tests.policy.test_replay import recorded

NOW = SystemClock().timestamp()


@pytest.fixture
async def decided(call: Caller, database: Databases) -> list[str]:  # noqa: F811 - the fixture
    """Twelve of the shipped policy, one a second; every third denied."""
    many = []
    for number in range(12):
        question = request(
            path="/orders", zone="shop", at=NOW - 60 + number, authenticated_at=NOW - 120,
            roles=frozenset() if number % 3 == 0 else frozenset({"customer"}), id=f"u-{number % 2}",
        )  # fmt: skip
        many.append(recorded(question, shipped_policy(), f"aBc-{number:x}"))
    lines = [msgspec.json.encode(one) for one in many]
    whole = [b"%d %d %b" % (number, len(body), body) for number, body in enumerate(lines, start=1)]
    async with database("policy").begin() as tx:
        await RecordedDecisions().add(tx, blocks.pack("gateway-1-1-1", whole))
    return [one.correlation_id for one in many]


async def test_a_decision_is_explained_by_its_id(call: Caller, decided: list[str]) -> None:  # noqa: F811
    answer = await call("GET", f"/decisions/{decided[3]}/explanation")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    told = answer.json()
    assert told["decision"]["effect"] == "deny"
    assert told["recorded"]["id"] == decided[3]
    assert (told["recorded"]["reproduced"], told["recorded"]["seal"]) == (True, "waiting")
    assert ("role", "customer", "allow") in {(one["kind"], one["name"], one["effect"]) for one in told["changes"]}
    allowed = (await call("GET", f"/decisions/{decided[4]}/explanation")).json()
    assert allowed["decision"]["effect"] == "allow"
    missing = await call("GET", "/decisions/aBc-ff/explanation")
    assert (missing.status_code, missing.json()["code"]) == (404, "MJ-POLICY-090")


async def test_by_another_version_it_may_be_another_answer(call: Caller, decided: list[str]) -> None:  # noqa: F811
    rules = """
p, 10, everybody, *, *, shop, /**, GET, , allow,
p, 20, admin, administrator, *, admin, /api/policy/**, *, , allow,
g, administrator, customer, *
"""
    number = await drafted(call, rules)
    told = (await call("GET", f"/decisions/{decided[3]}/explanation?version={number}")).json()
    assert (told["decision"]["effect"], told["decision"]["winner"]) == ("allow", "everybody")
    assert (told["recorded"]["effect"], told["recorded"]["reproduced"]) == ("deny", None)
    gone = await call("GET", f"/decisions/{decided[3]}/explanation?version=999")
    assert gone.json()["code"] == "MJ-POLICY-002"


@pytest.mark.parametrize(("language", "word"), [("ko", "거부했어요"), ("en", "It was denied")])
async def test_it_is_read_as_text(call: Caller, decided: list[str], language: str, word: str) -> None:  # noqa: F811
    headers = {"Munjigi-Assertion": call.assertion(ADMIN), "Accept-Language": language}
    address = f"/api/policy/decisions/{decided[3]}/explanation"
    answer = await call.client.get(address, headers={**headers, "Accept": "text/plain, application/json;q=0.5"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-language"] == language
    assert word in answer.text
    for accept in ("*/*", "application/json", "text/plain;q=0.5, application/json", "text/plain;q=x", "text/html"):
        answer = await call.client.get(address, headers={**headers, "Accept": accept})
        assert answer.headers["content-type"] == "application/json"


async def test_a_list_is_filtered_and_paged(call: Caller, decided: list[str]) -> None:  # noqa: F811
    pages, after = [], ""
    while True:
        page = (await call("GET", f"/decisions?limit=5{after}")).json()
        pages.append([one["id"] for one in page["decisions"]])
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert [ident for page in pages for ident in page] == decided[::-1]
    assert [len(page) for page in pages] == [5, 5, 2]
    denied = (await call("GET", "/decisions?effect=deny&sub=u-1")).json()["decisions"]
    assert {(one["effect"], one["sub"]) for one in denied} == {("deny", "u-1")}
    assert len(denied) == 2
    for wrong in ("effect=maybe", "since=yesterday", "after=%21%21", "after=bm8", "limit=0"):
        assert (await call("GET", f"/decisions?{wrong}")).json()["code"] == "MJ-POLICY-005"


async def test_only_the_operating_organisation_looks_at_decisions(call: Caller, decided: list[str]) -> None:  # noqa: F811
    for path in ("/decisions", f"/decisions/{decided[0]}/explanation", "/replays/7"):
        refused = await call("GET", path, who=ELSEWHERE)
        assert (refused.status_code, refused.json()["code"]) == (403, "MJ-POLICY-093")
        assert (await call("GET", path, who=CUSTOMER)).json()["code"] == "MJ-POLICY-001"
    stale = Subject(**{**msgspec.structs.asdict(ADMIN), "auth_time": ADMIN.auth_time - 3600})
    refused = await call("POST", "/versions/1/replays", {}, who=stale)
    assert refused.json()["code"] == "MJ-POLICY-012"


async def test_a_replay_is_asked_for_and_polled(call: Caller, decided: list[str]) -> None:  # noqa: F811
    made = await call("POST", "/versions/1/replays", {"why": "what if"})
    assert made.status_code == 202
    told = (await call.client.get(
        made.headers["location"], headers={"Munjigi-Assertion": call.assertion(ADMIN)}
    )).json()  # fmt: skip
    assert (told["state"], told["why"], told["who"], told["done"]) == ("waiting", "what if", "u-admin", 0)
    assert (await call("POST", "/versions/99/replays", {})).json()["code"] == "MJ-POLICY-002"
    assert (await call("POST", "/versions/1/replays", {"against": 99})).json()["code"] == "MJ-POLICY-002"
    backwards = {"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    assert (await call("POST", "/versions/1/replays", backwards)).json()["code"] == "MJ-POLICY-005"
    for ident in ("7", "00000000-0000-4000-8000-000000000000"):
        assert (await call("GET", f"/replays/{ident}")).json()["code"] == "MJ-POLICY-091"


async def test_too_many_replays_are_refused(call: Caller, decided: list[str]) -> None:  # noqa: F811
    answers = [await call("POST", "/versions/1/replays", {}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [202] * 20 + [429]


async def test_a_record_without_facts_is_told_as_it_stands(
    call: Caller,  # noqa: F811
    decided: list[str],
    database: Databases,
) -> None:
    async with database("policy").begin() as tx:
        (block,) = await RecordedDecisions().of_segment(tx, "gateway-1-1-1")
        old = [msgspec.json.decode(blocks.body_of(line)) for line in block.lines()]
        bodies = [msgspec.json.encode({name: one[name] for name in one if name != "asked"}) for one in old]
        lines = [b"%d %d %b" % (number, len(body), body) for number, body in enumerate(bodies, start=1)]
        await RecordedDecisions().replace(tx, "gateway-1-1-1", blocks.pack("gateway-1-1-1", lines))
    told = (await call("GET", f"/decisions/{decided[3]}/explanation")).json()
    assert (told["decision"]["effect"], told["facts"], told["rules"]) == ("deny", None, [])
    assert told["recorded"]["reproduced"] is None


async def test_a_made_up_request_may_leave_facts_out(call: Caller) -> None:  # noqa: F811
    answer = await call("POST", "/explain", {"request": {"zone": "shop", "path": "/orders"}})
    told = answer.json()
    assert told["decision"]["reasons"] == ["not_authenticated"]
    assert told["facts"]["country"] is None
    wrong = await call("POST", "/explain", {"request": {"zone": "shop", "colour": 1}})
    assert wrong.status_code == 422
    assert (await call("POST", "/explain", {"request": asked(), "version": 99})).json()["code"] == "MJ-POLICY-002"


async def test_the_rows_say_what_they_hold(call: Caller, decided: list[str], database: Databases) -> None:  # noqa: F811
    async with database("policy").connect() as tx:
        row = (await tx.execute(text("SELECT effects, zones, from_count, to_count FROM policy.decision_block"))).one()
    assert tuple(row) == ([Effect.ALLOW.value, Effect.DENY.value], ["shop"], 0, 11)
