"""What support sees and does: one person at a time, no more than it takes to help, and each look on record."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert, text

from config.entropy import SystemEntropy
from idp.devices.sign_in_history import CameFrom, SignInHistory
from idp.rollout.phases import Phase
from idp.storage import programmes, sign_in_history
from idp.storage.rollout_tables import phase_person
from jose.assertion import Subject
from tests.idp.administration.conftest import OTHER, House
from tests.idp.rollout.values import NOW, programme

WHY = "they called us"


async def helper(house: House) -> Subject:
    return house.subject(await house.add("sora", roles=("support",)), "support")


async def begin(house: House, **other: object) -> tuple[UUID, Phase]:
    made, cohort, phase = programme(**{"state": "running", "begun_at": NOW, **other})
    async with house.database("idp").begin() as tx:
        await programmes.add(tx, made, [cohort], [phase], NOW)
        row = {"phase_id": phase.id, "user_id": house.mina.id, "taken_in_at": NOW, "asked_at": NOW, "skipped": 0}
        await tx.execute(insert(phase_person).values(**row))
    return made.id, phase


async def test_support_sees_what_it_takes_to_help(house: House) -> None:
    who = await helper(house)
    programme_id, phase = await begin(house)
    history = SignInHistory(sign_in_history, house.clock, SystemEntropy())
    visit = CameFrom(None, "Chrome · Windows", "Chrome", "203.0.113.7", "KR", "")
    async with house.database("idp").begin() as tx:
        await history.note(tx, house.mina.id, "failed", visit, amr=("otp",), client_id="app")
    [found] = (await house.got("/support/people?name=min", who=who))["people"]
    assert found == {"id": str(house.mina.id), "display_name": "Mina", "login_name": "mina", "state": "active"}
    seen = await house.got(f"/support/people/{house.mina.id}", who=who)
    assert (seen["email"], seen["live"], seen["whole"]) == ("m***@mail.example", True, True)
    assert "203.0.113.7" not in str(seen)
    [attempt] = seen["attempts"]
    assert (attempt["why"], attempt["device"], attempt["place"]) == ("wrong_code_of_app", "Chrome · Windows", "KR")
    [met] = seen["phases"]
    assert (met["phase_id"], met["ready"], met["programme_id"]) == (str(phase.id), False, str(programme_id))
    assert met["deadline"].startswith("2026-11-29")
    assert [(act["act"], act["hindrance"]) for act in seen["acts"]] == [
        ("recovery", None),
        ("reminder", None),
        ("exception", None),
    ]
    looked = await house.audited("support_looked")
    assert [(row.actor, row.subject) for row in looked] == [(who.sub, str(house.mina.id))]


async def test_support_gets_nothing_else(house: House) -> None:
    who = await helper(house)
    for path in ("/people", f"/people/{house.mina.id}", "/sessions", "/organisations", "/analysis", "/feedback"):
        assert (await house("GET", path, who=who)).status_code == 403
    refused = await house("POST", f"/people/{house.mina.id}/lock", {"why": WHY, "version": 1}, who=who)
    assert refused.status_code == 403
    assert (await house("GET", "/support/people", who=who)).status_code == 422
    assert (await house("GET", "/support/people?name=m", who=house.subject(house.mina, "customer"))).status_code == 403
    # the role that the gateway vouched for is gone meanwhile
    async with house.database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.membership SET roles = '{}' WHERE 'support' = ANY(roles)"))
    assert (await house("GET", "/support/people?name=m", who=who)).status_code == 403


async def test_administrators_help_too_and_nobody_elsewhere(house: House) -> None:
    assert (await house.got(f"/support/people/{house.mina.id}"))["id"] == str(house.mina.id)
    stranger = await house.add("stranger", roles=())
    await house.join_other(stranger, "support")
    who = house.subject(stranger, "support", org=OTHER)
    assert (await house("GET", f"/support/people/{house.mina.id}", who=who)).status_code == 404
    await house.join_other(house.mina, "customer")
    seen = await house.got(f"/support/people/{house.mina.id}", who=who)
    assert (seen["whole"], seen["email"], seen["attempts"], seen["set_up"]) == (False, "", [], [])
    assert seen["acts"] == [{"act": "recovery", "phase_id": None, "hindrance": "elsewhere"}]
    refused = await house("POST", f"/support/people/{house.mina.id}/recovery", {"why": WHY}, who=who)
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-087")


async def test_a_way_back_is_mailed_to_the_person_alone(house: House) -> None:
    who = await helper(house)
    path = f"/support/people/{house.mina.id}/recovery"
    answer = await house("POST", path, {"why": WHY}, who=who)
    assert answer.status_code == 200
    assert "token" not in answer.text
    [letter] = await house.rows("SELECT kind, user_id FROM notifications.message")
    assert (letter.kind, letter.user_id) == ("recovery", house.mina.id)
    [record] = await house.audited("support_acted")
    assert (record.actor, record.details["act"], record.details["why"]) == (who.sub, "recovery", WHY)
    for _ in range(2):
        assert (await house("POST", path, {"why": WHY}, who=who)).status_code == 200
    assert (await house("POST", path, {"why": WHY}, who=who)).status_code == 429
    house.clock.advance(3600)
    stale = await house("POST", path, {"why": WHY}, who=who)
    assert (stale.status_code, stale.json()["code"]) == (401, "MJ-IDENTITY-014"), "an act needs fresh factors"


async def test_they_are_written_of_a_phase_once_a_day(house: House) -> None:
    who = await helper(house)
    _, phase = await begin(house)
    path, body = f"/support/people/{house.mina.id}/reminder", {"why": WHY, "phase_id": str(phase.id)}
    answer = (await house("POST", path, body, who=who)).json()
    assert [act["hindrance"] for act in answer["acts"] if act["act"] == "reminder"] == ["written_lately"]
    [letter] = await house.rows("SELECT kind FROM notifications.message")
    assert letter.kind == "programme"
    assert (await house("POST", path, body, who=who)).status_code == 409
    assert (await house("POST", path, {**body, "phase_id": str(UUID(int=9))}, who=who)).status_code == 404


async def test_an_exception_is_asked_for_and_decided_by_an_administrator(house: House) -> None:
    who = await helper(house)
    programme_id, phase = await begin(house)
    path = f"/support/people/{house.mina.id}/exception-request"
    until = NOW + timedelta(days=30)
    body = {"why": WHY, "phase_id": str(phase.id), "until": until.isoformat()}
    for wrong in (NOW, NOW + timedelta(days=91)):
        assert (await house("POST", path, {**body, "until": wrong.isoformat()}, who=who)).status_code == 422
    seen = (await house("POST", path, body, who=who)).json()
    assert seen["phases"][0]["exception_asked"] is True
    assert (await house("POST", path, body, who=who)).status_code == 409
    asked = f"/programmes/{programme_id}/exception-requests"
    assert (await house("GET", asked, who=who)).status_code == 403
    [one] = (await house.got(asked))["requests"]
    assert (one["user_id"], one["display_name"], one["why"], one["granted"]) == (
        *(str(house.mina.id), "Mina", WHY),
        None,
    )
    decide = f"{asked}/{one['id']}/decide"
    decided = (await house("POST", decide, {"why": "for a month", "grant": True})).json()
    assert decided["granted"] is True
    assert (await house("POST", decide, {"why": "again", "grant": True})).status_code == 409
    [met] = (await house.got(f"/support/people/{house.mina.id}", who=who))["phases"]
    assert (met["excepted_until"], met["exception_asked"]) == (until.isoformat().replace("+00:00", "Z"), False)
    [record] = await house.audited("exception_decided")
    assert (record.actor, record.details["granted"]) == (str(house.boss.id), True)

    async with house.database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.phase_exception SET until = granted_at + interval '1 second'"))
    house.clock.advance(60)
    assert (await house("POST", path, body, who=house.subject(house.boss))).status_code == 200
    [_, again] = (await house.got(asked))["requests"][::-1]
    refused = (await house("POST", f"{asked}/{again['id']}/decide", {"why": "no more", "grant": False})).json()
    assert refused["granted"] is False
