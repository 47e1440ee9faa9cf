"""The keys of tokens by the API: the operator's alone, on record, told to every node, never their private halves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from config.envelope import Envelope
from config.settings import Settings
from idp.directory.account import Organisation
from idp.storage import directory
from jose.storage.keys import SigningKeys
from tests.idp.administration.conftest import House
from tests.idp.people import BEGUN
from tests.keys import seed_rsa_key

WHY = "the yearly rehearsal"
DAY = 86_400


@pytest.fixture(autouse=True)
async def keys(house: House, settings: Settings) -> SigningKeys:
    """Two keys that sign, and a boss who is the operator's."""
    found = SigningKeys(Envelope.load(settings))
    await seed_rsa_key(house.database("owner"), settings, house.clock.now())
    async with house.database("idp").begin() as tx:
        await found.ensure_active(tx, "token", house.clock.now())
        operator = Organisation(
            id=settings.policy.operator, name="Operator", time_zone="Asia/Seoul", duplicate_login=None
        )
        await directory.put_organisation(tx, operator, BEGUN)
        await directory.put_membership(tx, house.boss.id, operator.id, ("administrator",), BEGUN)
    return found


async def listed(house: House) -> dict[str, list[str]]:
    """The names of the keys by algorithm and state."""
    found: dict[str, list[str]] = {}
    for key in (await house.got("/keys"))["keys"]:
        found.setdefault(f"{key['algorithm']} {key['state']}", []).append(key["kid"])
    return found


async def act(house: House, path: str, **body: Any) -> list[dict[str, Any]]:
    answer = await house("POST", f"/keys/{path}", {"why": WHY, **body})
    assert answer.status_code == 200, answer.text
    changes: list[dict[str, Any]] = answer.json()["changes"]
    return changes


async def test_keys_are_shown_without_the_keys(house: House, keys: SigningKeys) -> None:
    shown = (await house("GET", "/keys")).json()["keys"]
    assert sorted((key["algorithm"], key["state"]) for key in shown) == [("ES256", "active"), ("RS256", "active")]
    async with house.database("idp").connect() as tx:
        ring = await keys.load_ring(tx, "token")
    assert {key["kid"] for key in shown} == set(ring.public)
    assert shown[0].keys() == {
        "kid", "algorithm", "state", "created_at", "activates_at", "activated_at", "retires_at",
    }  # fmt: skip


async def test_a_next_key_that_is_prepared_signs_when_it_is_wanted(house: House) -> None:
    before = await listed(house)
    changes = await act(house, "prepare")
    assert [one["state"] for one in changes] == ["next", "next"]
    shown = (await house.got("/keys"))["keys"]
    assert {one["until"] for one in changes} == {key["activates_at"] for key in shown if key["state"] == "next"}
    assert await act(house, "prepare") == [], "they are there"
    house.clock.advance(DAY)
    done = await act(house, "rotate")
    assert [one["state"] for one in done] == ["next", "next", "retiring", "active", "retiring", "active"]
    after = await listed(house)
    assert after["ES256 retiring"] == before["ES256 active"], "what it signed is believed on"
    assert after["ES256 active"] == [one["kid"] for one in changes if one["algorithm"] == "ES256"]


async def test_a_rotation_that_nothing_was_prepared_for_waits_until_everybody_knows(house: House) -> None:
    assert [one["state"] for one in await act(house, "rotate")] == ["next", "next"]
    assert await act(house, "rotate") == [], "it is under way"
    assert len((await listed(house))["ES256 active"]) == 1


async def test_a_key_that_does_not_sign_may_go_early(house: House) -> None:
    [active] = (await listed(house))["ES256 active"]
    refused = await house("POST", f"/keys/{active}/retire", {"why": WHY})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-060")
    await act(house, "prepare")
    house.clock.advance(DAY)
    await act(house, "rotate")
    assert await act(house, f"{active}/retire") == [
        {"kid": active, "algorithm": "ES256", "state": "retired", "until": None}
    ]
    assert active not in [key["kid"] for key in (await house.got("/keys"))["keys"]]
    [row] = await house.rows("SELECT state, sealed FROM jose.signing_key WHERE kid = :kid", kid=active)
    assert (row.state, row.sealed) == ("retired", None)
    for unknown in (active, "nobody", "%00"):
        assert (await house("POST", f"/keys/{unknown}/retire", {"why": WHY})).status_code == 404


async def test_after_a_leak_nothing_is_believed(house: House) -> None:
    before = await listed(house)
    changes = await act(house, "rotate", at_once=True)
    assert sorted(one["state"] for one in changes) == ["active", "active", "retired", "retired"]
    after = await listed(house)
    assert not {*before["ES256 active"], *before["RS256 active"]} & {kid for kids in after.values() for kid in kids}


async def test_it_is_on_record_and_told(house: House) -> None:
    answer = await house("POST", "/keys/prepare", {"why": WHY})
    records = await house.audited("key_published")
    assert {one.subject for one in records} == {one["kid"] for one in answer.json()["changes"]}
    for one in records:
        assert (one.actor, one.details["why"], one.details["purpose"]) == (str(house.boss.id), WHY, "token")
        assert one.correlation_id == answer.headers["munjigi-correlation-id"]
    [event] = await house.rows("SELECT payload FROM events.outbox WHERE topic = 'key'")
    assert set(event.payload["published"]) == {key["kid"] for key in (await house.got("/keys"))["keys"]}


async def test_nobody_else_sees_or_moves_them(house: House) -> None:
    other = await house.add("other", roles=("administrator",))
    fresh = house.subject(house.boss)
    for method, path in (("GET", ""), ("POST", "/prepare"), ("POST", "/rotate"), ("POST", "/x/retire")):
        body = {"why": WHY} if method == "POST" else None
        refused = await house(method, f"/keys{path}", body, who=house.subject(other))
        assert (refused.status_code, refused.json()["code"]) == (404, "MJ-IDENTITY-002")
        if method == "POST":
            stale = await house(method, f"/keys{path}", body, who=msgspec.structs.replace(fresh, auth_time=1.0))
            assert stale.status_code == 401
            weak = msgspec.structs.replace(fresh, acr="urn:munjigi:acr:1")
            assert (await house(method, f"/keys{path}", body, who=weak)).status_code == 401
            for wrong in ({}, {"why": " "}, {"why": WHY, "more": 1}):
                assert (await house(method, f"/keys{path}", wrong)).status_code == 422
    assert await house.rows("SELECT 1 FROM events.outbox WHERE topic = 'key'") == []
