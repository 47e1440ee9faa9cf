"""What is asked twice with one Idempotency-Key happens once, over real engines."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from sqlalchemy import text

from config.connections import Database, Valkey
from policy.admin import idempotency
from policy.admin.joined import JoinedDatabase
from policy.storage.answers import KeptAnswers
from tests.policy.test_admin import ADMIN, GOOD_RULES, Caller, Databases, call

__all__ = ["call"]

KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'
DRAFT = {"why": "a test", "rules": GOOD_RULES}
OTHER = msgspec.structs.replace(ADMIN, sub="u-other")


async def post(call: Caller, path: str, body: Any, key: str, who: Any = ADMIN, **more: str) -> httpx2.Response:
    headers = {"Munjigi-Assertion": call.assertion(who), "Idempotency-Key": key, **more}
    return await call.client.post(f"/api/policy{path}", json=body, headers=headers)


async def counted(database: Databases, what: str) -> int:
    async with database("owner").connect() as tx:
        return int(await tx.scalar(text(f"SELECT count(*) FROM {what}")) or 0)


@pytest.mark.parametrize("again", [KEY, KEY.strip('"')])
async def test_the_same_request_is_answered_the_same_and_done_once(
    call: Caller, database: Databases, again: str
) -> None:
    first = await post(call, "/drafts", DRAFT, KEY)
    second = await post(call, "/drafts", DRAFT, again)
    assert first.status_code == second.status_code == 201
    assert second.content == first.content
    assert second.headers["location"] == first.headers["location"]
    assert await counted(database, "policy.version") == 2
    third = await post(call, "/drafts", DRAFT, '"another"')
    assert third.json()["version"]["number"] == first.json()["version"]["number"] + 1


async def test_another_request_with_the_key_is_refused(call: Caller, database: Databases) -> None:
    assert (await post(call, "/drafts", DRAFT, KEY)).status_code == 201
    for path, body in (("/drafts", {**DRAFT, "why": "another"}), ("/rollback", {"to": 1, "why": "a test"})):
        refused = await post(call, path, body, KEY)
        assert (refused.status_code, refused.json()["code"]) == (422, "MJ-POLICY-035")
    assert (await post(call, "/drafts", DRAFT, KEY, **{"If-Match": "*"})).status_code == 422
    assert await counted(database, "policy.version") == 2


async def test_keys_are_each_callers_own(call: Caller) -> None:
    mine = await post(call, "/drafts", DRAFT, KEY)
    theirs = await post(call, "/drafts", DRAFT, KEY, OTHER)
    assert theirs.json()["version"]["number"] != mine.json()["version"]["number"]
    assert theirs.json()["version"]["author"] == "u-other"


async def test_a_refused_request_leaves_its_key_unused(call: Caller, database: Databases) -> None:
    assert (await post(call, "/drafts", {"why": "a test", "rules": ""}, KEY)).status_code == 422
    assert await counted(database, "policy.answer") == 0
    assert (await post(call, "/drafts", DRAFT, KEY)).status_code == 201


async def test_whoever_may_not_is_told_so_whatever_was_answered_before(call: Caller) -> None:
    assert (await post(call, "/drafts", DRAFT, KEY)).status_code == 201
    stale = msgspec.structs.replace(ADMIN, acr="urn:munjigi:acr:1")
    assert (await post(call, "/drafts", DRAFT, KEY, stale)).status_code == 401


@pytest.mark.parametrize("key", ["", '""', '"a"b"', "a b", '"' + "x" * 256 + '"', '"é"'])
async def test_what_is_no_key_is_refused(call: Caller, key: str) -> None:
    headers = [("Munjigi-Assertion", call.assertion(ADMIN)), ("Idempotency-Key", key.encode("latin-1"))]
    answer = await call.client.post("/api/policy/drafts", json=DRAFT, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "MJ-POLICY-034")


async def test_while_it_is_under_way_it_is_refused_and_of_many_at_once_one_is_done(
    call: Caller, database: Databases
) -> None:
    async with database("policy").begin() as tx:
        assert await KeptAnswers().claim(tx, ADMIN.sub, KEY.strip('"'))
        refused = await post(call, "/drafts", DRAFT, KEY)
        assert (refused.status_code, refused.json()["code"]) == (409, "MJ-POLICY-036")
        assert refused.headers["retry-after"] == "1"
    answers = await asyncio.gather(*(post(call, "/drafts", DRAFT, KEY) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert 201 in {answer.status_code for answer in answers}
    assert await counted(database, "policy.version") == 2


async def test_what_happened_and_its_answer_are_kept_together_or_not_at_all(
    call: Caller, database: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ConnectionError("the process dies here")

    with monkeypatch.context() as patch:
        patch.setattr(KeptAnswers, "keep", fail)
        assert (await post(call, "/drafts", DRAFT, KEY)).status_code >= 500
    assert await counted(database, "policy.version") == 1
    assert await counted(database, "policy.answer") == 0
    assert (await post(call, "/drafts", DRAFT, KEY)).status_code == 201


async def test_publishing_by_a_key_is_told_and_recorded_once(call: Caller, database: Databases) -> None:
    number = (await post(call, "/drafts", DRAFT, '"a"')).json()["version"]["number"]
    told = await counted(database, "events.outbox")
    for _ in range(2):
        answer = await post(call, f"/versions/{number}/publish", {"why": "a test"}, KEY)
        assert (answer.status_code, answer.json()["state"]) == (200, "published")
    assert await counted(database, "events.outbox") == told + 1
    assert await counted(database, "audit.record WHERE kind = 'policy_published'") == 2  # the shipped one, and this


async def test_after_a_day_an_answer_is_forgotten(call: Caller, database: Databases) -> None:
    first = await post(call, "/drafts", DRAFT, KEY)
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE policy.answer SET at = at - CAST(:kept AS interval)"), {"kept": idempotency.KEPT})
    async with database("policy").begin() as tx:
        await KeptAnswers().forget(tx, (await _newest(database)) - timedelta(seconds=1))
    assert await counted(database, "policy.answer") == 1
    second = await post(call, "/drafts", DRAFT, KEY)
    assert second.json()["version"]["number"] == first.json()["version"]["number"] + 1
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE policy.answer SET at = at - CAST(:kept AS interval)"), {"kept": idempotency.KEPT})
    await post(call, "/drafts", DRAFT, '"another"')
    assert await counted(database, "policy.answer") == 1


async def _newest(database: Databases) -> Any:
    async with database("owner").connect() as tx:
        return await tx.scalar(text("SELECT max(at) FROM policy.answer"))


async def test_parts_of_one_transaction_fail_alone_and_other_tasks_have_their_own(
    database: Databases, valkey: Valkey
) -> None:
    pool: Database = database("owner")
    joined = JoinedDatabase(pool)
    insert = text("INSERT INTO events.outbox (topic, key, payload) VALUES ('policy', :key, '{}')")

    async def put(key: str) -> None:
        async with joined.begin() as tx:
            await tx.execute(insert, {"key": key})

    async def fails(*, whole: bool) -> None:
        async with joined.joining() if whole else joined.begin() as tx:
            await tx.execute(insert, {"key": "fails"})
            if whole:
                await put("undone")
                await asyncio.create_task(put("another task's"))
                async with joined.connect() as seen:
                    assert await seen.scalar(text("SELECT count(*) FROM events.outbox")) == before + 3
            raise ZeroDivisionError

    before = await counted(database, "events.outbox")
    with pytest.raises(ZeroDivisionError):
        await fails(whole=True)
    assert await counted(database, "events.outbox") == before + 1
    async with joined.joining():
        await put("stands")
        with pytest.raises(ZeroDivisionError):
            await fails(whole=False)
    assert await counted(database, "events.outbox") == before + 2
