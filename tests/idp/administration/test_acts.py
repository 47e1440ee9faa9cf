"""What administrators do: always with a reason, never by accident to themselves, never without a record."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest
from sqlalchemy import text

from config import key_space
from config.connections import Valkey
from config.envelope import Envelope
from config.settings import Settings
from idp.administration.app import serve
from idp.storage import sessions
from notifications.queue import sealing_context
from tests.idp.administration.conftest import House
from tests.idp.people import HOUSE
from tests.idp.waiting import waiting

WHY = "분실 신고가 들어왔어요"


async def test_a_session_ends_and_everybody_is_told(house: House, valkey: Valkey) -> None:
    async with valkey.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(key_space.OUTBOX_POKE, key_space.NOTIFICATIONS_POKE)
        for _ in range(2):
            await channel.get_message(timeout=1)
        ended = await house("POST", f"/sessions/{house.session.sid}/end", {"why": WHY})
        poked = {(await channel.get_message(timeout=2) or {}).get("channel") for _ in range(2)}
    assert (ended.status_code, ended.json()["reason"]) == (200, "administrator")
    assert poked == {key_space.OUTBOX_POKE, key_space.NOTIFICATIONS_POKE}
    async with house.database("idp").connect() as tx:
        assert await sessions.live_of(tx, house.mina.id, house.clock.now()) is None
    [event] = await house.rows("SELECT payload FROM events.outbox WHERE payload ->> 'state' = 'ended'")
    assert event.payload["reason"] == "administrator"
    [record] = await house.audited("session_end_ordered")
    assert (record.actor, record.subject, record.sid) == (str(house.boss.id), str(house.mina.id), house.session.sid)
    assert record.details == {"why": WHY, "reason": "administrator"}
    assert record.correlation_id == ended.headers["munjigi-correlation-id"]
    [message] = await house.rows("SELECT kind, user_id FROM notifications.message")
    assert (message.kind, message.user_id) == ("session_ended", house.mina.id)
    again = await house("POST", f"/sessions/{house.session.sid}/end", {"why": WHY})
    assert (again.status_code, again.json()["code"]) == (409, "MJ-IDENTITY-011")


async def test_nobody_ends_their_own_session_or_locks_themselves(house: House) -> None:
    own = await house.begin(house.boss)
    for path, body in (
        (f"/sessions/{own.sid}/end", {"why": WHY}),
        (f"/people/{house.boss.id}/lock", {"why": WHY, "version": 1}),
        (f"/people/{house.boss.id}/unlock", {"why": WHY, "version": 1}),
    ):
        refused = await house("POST", path, body, who=house.subject(house.boss, sid=own.sid))
        assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-008")
    async with house.database("idp").connect() as tx:
        assert await sessions.live_of(tx, house.boss.id, house.clock.now()) is not None


async def test_a_lock_ends_the_session_and_is_told(house: House, settings: Settings) -> None:
    locked = await house("POST", f"/people/{house.mina.id}/lock", {"why": WHY, "version": 1})
    assert locked.status_code == 200, locked.text
    document = locked.json()
    assert (document["state"], document["lock_reason"], document["version"]) == ("locked", "administrator", 2)
    assert document["session"] is None
    [event] = await house.rows("SELECT payload FROM events.outbox WHERE payload ->> 'state' = 'ended'")
    assert event.payload["reason"] == "account_lock"
    [record] = await house.audited("account_locked")
    assert (record.actor, record.details["why"]) == (str(house.boss.id), WHY)
    [message] = await house.rows("SELECT * FROM notifications.message")
    opened = msgspec.json.decode(Envelope.load(settings).open(message.sealed, sealing_context(message.id)))
    assert (message.kind, opened["to"]) == ("account_locked", "mina@mail.example")
    assert set(opened["facts"]) == {"at", "time_zone"}  # a lock by an administrator has no way back by mail

    unlocked = await house("POST", f"/people/{house.mina.id}/unlock", {"why": WHY, "version": 2})
    assert (unlocked.json()["state"], unlocked.json()["version"]) == ("active", 3)
    assert len(await house.audited("account_unlocked")) == 1


@pytest.mark.parametrize("stale", [{"acr": "urn:munjigi:acr:1"}, {"auth_time": 0.0}])
async def test_a_change_needs_two_factors_lately_whatever_the_policy_says(house: House, stale: dict[str, Any]) -> None:
    who = msgspec.structs.replace(house.subject(house.boss), **stale)
    for method, path, body in (
        ("POST", f"/people/{house.mina.id}/lock", {"why": WHY, "version": 1}),
        ("POST", f"/sessions/{house.session.sid}/end", {"why": WHY}),
        ("PUT", f"/organisations/{HOUSE}", {"why": WHY}),
    ):
        refused = await house(method, path, body, who=who)
        assert (refused.status_code, refused.json()["code"]) == (401, "MJ-IDENTITY-014")
        assert 'error="insufficient_user_authentication"' in refused.headers["www-authenticate"]
        assert 'acr_values="urn:munjigi:acr:2", max_age="900"' in refused.headers["www-authenticate"]
    assert (await house.got(f"/people/{house.mina.id}", who=who))["state"] == "active"


@pytest.mark.parametrize("act", ["lock", "unlock"])
async def test_what_changed_meanwhile_is_not_acted_upon(house: House, act: str) -> None:
    refused = await house("POST", f"/people/{house.mina.id}/{act}", {"why": WHY, "version": 7})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-007")
    assert (await house.got(f"/people/{house.mina.id}"))["state"] == "active"


async def test_whoever_belongs_elsewhere_too_cannot_be_locked_from_here(house: House) -> None:
    await house.join_other(house.mina, "customer")
    refused = await house("POST", f"/people/{house.mina.id}/lock", {"why": WHY, "version": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-010")
    assert (await house("POST", f"/sessions/{house.session.sid}/end", {"why": WHY})).status_code == 200


async def test_whoever_administers_all_of_somebodys_organisations_may_lock_them(house: House) -> None:
    await house.join_other(house.mina, "administrator")
    await house.join_other(house.boss, "administrator")
    locked = await house("POST", f"/people/{house.mina.id}/lock", {"why": WHY, "version": 1})
    assert locked.status_code == 200
    assert [entry["organisation"] for entry in locked.json()["memberships"]] == ["House", "Other"]


async def test_two_administrators_cannot_lock_each_other(house: House) -> None:
    """Whoever asks is another administrator, so only a race could lock the last one."""
    second = await house.add("second", roles=("administrator",))
    await house.join_other(await house.add("third"), "administrator")  # so that somebody administers something
    async with house.database("owner").begin() as gate:
        await gate.execute(text("LOCK TABLE idp.user_account IN EXCLUSIVE MODE"))  # both wait before they hold anybody
        racing = [
            asyncio.create_task(house("POST", f"/people/{whom.id}/lock", {"why": WHY, "version": 1}, who=by))
            for whom, by in ((second, house.subject(house.boss)), (house.boss, house.subject(second)))
        ]
        await waiting(house.database("owner"), 2)
    codes = sorted(answer.status_code for answer in await asyncio.gather(*racing))
    assert codes == [200, 409]
    states = await house.rows("SELECT state FROM idp.user_account WHERE id IN (:a, :b)", a=second.id, b=house.boss.id)
    assert sorted(row.state for row in states) == ["active", "locked"]


LOOK = {"name": {"ko": "달빛", "en": "Moonlight"}, "accent": {"light": "#0b5d3b", "dark": "#8fe3b8"}, "welcome": {}}


async def test_an_organisation_is_changed_and_told(house: House) -> None:
    before = await house.got(f"/organisations/{HOUSE}")
    assert (before["duplicate_login"], before["look"], before["support"]) == (None, None, None)
    asked: dict[str, Any] = {
        "why": WHY,
        "version": before["version"],
        "duplicate_login": "take_over",
        "new_device_factor": True,
        "look": LOOK,
        "support": {"name": "고객센터", "email": "help@example.com"},
    }
    changed = await house("PUT", f"/organisations/{HOUSE}", asked)
    assert changed.status_code == 200, changed.text
    after = changed.json()
    assert after == await house.got(f"/organisations/{HOUSE}")
    assert (after["duplicate_login"], after["look"]["accent"]) == ("take_over", LOOK["accent"])
    assert after["version"] != before["version"]
    told = await house.rows("SELECT payload FROM events.outbox WHERE topic = 'organisation'")
    assert told
    assert all(row.payload == {"organisation_id": str(HOUSE)} for row in told)
    [record] = await house.audited("organisation_changed")
    assert record.details["changed"] == ["duplicate_login", "new_device_factor", "look", "support"]
    assert record.details["why"] == WHY
    [change] = (await house.got(f"/organisations/{HOUSE}/changes"))["changes"]
    assert (change["user_id"], change["display_name"], change["why"]) == (str(house.boss.id), "Boss", WHY)
    assert change["changed"] == record.details["changed"]
    stale = await house("PUT", f"/organisations/{HOUSE}", asked)
    assert (stale.status_code, stale.json()["code"]) == (409, "MJ-IDENTITY-007")
    same = await house("PUT", f"/organisations/{HOUSE}", {**asked, "version": after["version"]})
    assert same.json()["version"] == after["version"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"look": {**LOOK, "accent": {"light": "#ffff00", "dark": "#000000"}}},
        {"look": {**LOOK, "logo": "https://evil.example/logo.svg"}},
        {"look": {**LOOK, "logo": "data:image/svg+xml;base64,PHN2Zz48c2NyaXB0Lz48L3N2Zz4="}},
        {"look": {**LOOK, "name": {"ko": "달빛"}}},
        {"support": {"name": ""}},
        {"support": {"name": "x", "url": "javascript:alert(1)"}},
        {"support": {"name": "two\nlines"}},
        {"duplicate_login": "both"},
    ],
)
async def test_what_an_organisation_cannot_be(house: House, wrong: dict[str, object]) -> None:
    version = (await house.got(f"/organisations/{HOUSE}"))["version"]
    asked = {
        "why": WHY,
        "version": version,
        "duplicate_login": None,
        "new_device_factor": None,
        "look": None,
        "support": None,
    }
    refused = await house("PUT", f"/organisations/{HOUSE}", asked | wrong)
    assert refused.status_code == 422
    assert (await house.got(f"/organisations/{HOUSE}"))["version"] == version
    assert await house.audited("organisation_changed") == []


async def dead_mail(house: House, *, expires_in: timedelta) -> UUID:
    ident = uuid4()
    async with house.database("owner").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO notifications.message (id, kind, user_id, locale, sealed, state, attempts, "
                "next_attempt_at, created_at, expires_at, finished_at, last_error, correlation_id) "
                "VALUES (:id, 'new_device', :who, 'ko', 'x', 'dead', 3, :now, :now, :expires, :now, '550', 'c')"
            ),
            {
                "id": ident,
                "who": house.mina.id,
                "now": house.clock.now(),
                "expires": house.clock.now() + expires_in,
            },
        )
    return ident


async def test_a_dead_mail_is_tried_again(house: House) -> None:
    ident = await dead_mail(house, expires_in=timedelta(hours=1))
    retried = await house("POST", f"/deliveries/mail/{ident}/retry", {"why": WHY})
    assert retried.json() == {"channel": "mail", "id": str(ident)}
    [row] = await house.rows("SELECT * FROM notifications.message")
    assert (row.state, row.attempts, row.finished_at, row.next_attempt_at) == ("queued", 0, None, house.clock.now())
    [record] = await house.audited("delivery_retried")
    assert record.details == {"why": WHY, "channel": "mail"}
    again = await house("POST", f"/deliveries/mail/{ident}/retry", {"why": WHY})
    assert (again.status_code, again.json()["code"]) == (409, "MJ-IDENTITY-012")


async def test_what_expired_is_not_tried_again(house: House) -> None:
    ident = await dead_mail(house, expires_in=timedelta())
    refused = await house("POST", f"/deliveries/mail/{ident}/retry", {"why": WHY})
    assert refused.json()["code"] == "MJ-IDENTITY-012"


async def test_a_dead_logout_is_tried_again_through_its_own_channel(house: House) -> None:
    ident = uuid4()
    facts = {"happening": "session_ended", "sid": house.session.sid, "sub": str(house.mina.id), "org": str(HOUSE)}
    async with house.database("owner").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.client (client_id, name, auth_method, redirect_uris, post_logout_redirect_uris, "
                "grant_types, scopes, updated_at) VALUES ('app', '{}', 'none', '{x}', '{}', '{}', '{}', now())"
            )
        )
        await tx.execute(
            text(
                "INSERT INTO idp.delivery (id, client_id, facts, happened_at, due_at, attempts, settled_at, outcome, "
                "problem) VALUES (:id, 'app', CAST(:facts AS jsonb), :now, :now, 14, :now, 'dead', 'answered 400')"
            ),
            {"id": ident, "facts": msgspec.json.encode(facts).decode(), "now": house.clock.now()},
        )
    [entry] = (await house.got("/deliveries/logout"))["deliveries"]
    assert (entry["client_id"], entry["problem"], entry["may_retry"]) == ("app", "answered 400", True)
    assert (await house("POST", f"/deliveries/signal/{ident}/retry", {"why": WHY})).status_code == 404
    assert (await house("POST", f"/deliveries/mail/{ident}/retry", {"why": WHY})).status_code == 404
    assert (await house("POST", f"/deliveries/logout/{ident}/retry", {"why": WHY})).status_code == 200
    [row] = await house.rows("SELECT * FROM idp.delivery")
    assert (row.outcome, row.attempts, row.due_at) == (None, 0, house.clock.now())


async def test_a_form_of_a_foreign_page_is_not_understood(house: House) -> None:
    token = house.signer.sign("administration", house.subject(house.boss), zone="admin", now=house.clock.timestamp())
    answer = await house.client.post(
        f"/api/identity/sessions/{house.session.sid}/end",
        content=b'{"why": "a foreign page"}',
        headers={"Munjigi-Assertion": token, "Content-Type": "text/plain"},
    )
    assert answer.status_code == 415


async def test_the_process_listens_on_its_socket_and_drains(settings: Settings) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(settings, ready.set, stop))
    await asyncio.wait_for(ready.wait(), 10)
    transport = httpx2.AsyncHTTPTransport(uds=str(settings.upstream_socket("administration")))
    async with httpx2.AsyncClient(transport=transport, base_url="http://administration") as client:
        assert (await client.get("/api/identity/people")).status_code == 401
    stop.set()
    await asyncio.wait_for(serving, 10)
