"""Programmes by the API: made from the template, looked at, led on, with exceptions, and nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.idp.administration.conftest import HOUSE, OTHER, House
from tests.idp.people import BEGUN

WHY = {"why": "the board decided"}


async def made(house: House, **more: object) -> Any:
    asked = {**WHY, "organisation_id": str(HOUSE), "start": house.clock.now().isoformat(), "locale": "en", **more}
    answer = await house("POST", "/programmes", asked)
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    return answer.json()


async def act(house: House, programme: Any, phase: Any, what: str, **more: object) -> Any:
    path = f"/programmes/{programme['id']}/phases/{phase['id']}/acts/{what}"
    return await house("POST", path, {**WHY, "version": phase["version"], **more})


async def test_the_template_is_made_a_programme_by_one_call(house: House) -> None:
    programme = await made(house)
    assert programme["name"] == "From passwords to passwordless"
    assert [(phase["kind"], phase["state"]) for phase in programme["phases"]] == [("mfa", "draft")] * 3 + [
        ("passwordless", "draft")
    ] * 3
    first = programme["phases"][0]
    assert first["dates"]["enforce"] == (house.clock.now() + timedelta(days=21)).isoformat().replace("+00:00", "Z")
    assert first["acts"] == [{"act": "announce", "hindered_by": None}]
    listed = (await house.got("/programmes"))["programmes"]
    assert [one["id"] for one in listed] == [programme["id"]]
    assert (await house.audited("programme_changed"))[0].details["act"] == "create"
    own = await house.got("/programmes/template")
    again = await made(house, template={**own, "phases": own["phases"][:1]})
    assert len(again["phases"]) == 1
    assert (await house.got("/programmes?limit=1"))["next"] is not None


async def test_a_phase_is_taken_on_and_back_with_who_and_why(house: House) -> None:
    programme = await made(house)
    phase = programme["phases"][0]
    for what, state in (("announce", "announced"), ("begin", "running"), ("enforce", "enforced"), ("pause", "paused"),
                        ("resume", "enforced"), ("roll_back", "rolled_back"), ("reopen", "draft")):  # fmt: skip
        house.clock.advance(1)
        answer = await act(house, programme, phase, what)
        assert answer.status_code == 200, answer.text
        phase = answer.json()
        assert phase["state"] == state
        assert answer.headers["etag"] == f'"{phase["version"]}"'
    path = f"/programmes/{programme['id']}/phases/{phase['id']}/events"
    events = (await house.got(path))["events"]
    assert [one["act"] for one in events][::-1] == [
        "announce", "begin", "enforce", "pause", "resume", "roll_back", "reopen",
    ]  # fmt: skip
    assert {(one["who"], one["why"]) for one in events} == {(str(house.boss.id), "the board decided")}
    page = await house.got(f"{path}?limit=3")
    following = await house.got(f"{path}?limit=200&after={page['next']}")
    assert page["events"] + following["events"] == events


async def test_what_cannot_be_done_now_is_refused_in_words(house: House) -> None:
    programme = await made(house)
    mfa, passwordless = programme["phases"][0], programme["phases"][4]
    answer = await act(house, programme, mfa, "enforce")
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (409, "MJ-IDENTITY-090", "state")
    answer = await act(house, programme, {**mfa, "version": 9}, "announce")
    assert (answer.status_code, answer.json()["code"]) == (409, "MJ-IDENTITY-007")
    announced = (await act(house, programme, passwordless, "announce")).json()
    assert announced["acts"][0] == {"act": "begin", "hindered_by": "earlier_phase"}
    assert (await act(house, programme, announced, "begin")).json()["detail"] == "earlier_phase"
    assert (await act(house, programme, mfa, "destroy")).status_code == 404
    path = f"/programmes/{programme['id']}/phases/{mfa['id']}"
    token = house.signer.sign("administration", house.subject(house.boss), zone="admin", now=house.clock.timestamp())
    answer = await house.client.put(
        f"/api/identity{path}", headers={"Munjigi-Assertion": token, "If-Match": '"7"'}, json={**WHY, "version": 1}
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "MJ-IDENTITY-094")


async def test_while_it_is_in_force_whom_it_reaches_stays_and_dates_only_move_away(house: House) -> None:
    programme = await made(house)
    phase = (await act(house, programme, programme["phases"][0], "announce")).json()
    phase = (await act(house, programme, phase, "begin")).json()
    path = f"/programmes/{programme['id']}/phases/{phase['id']}"

    async def change(**what: object) -> Any:
        return await house("PUT", path, {**WHY, "version": phase["version"], **what})

    everybody = next(one["id"] for one in programme["cohorts"] if one["name"] == "everybody")
    answer = await change(cohort_id=everybody)
    assert (answer.status_code, answer.json()["code"]) == (409, "MJ-IDENTITY-092")
    cohort = next(one for one in programme["cohorts"] if one["id"] == phase["cohort_id"])
    asked = {**WHY, "name": cohort["name"], "rule": {"type": "everybody"}}
    answer = await house("PUT", f"/programmes/{programme['id']}/cohorts/{cohort['id']}", asked)
    assert answer.json()["code"] == "MJ-IDENTITY-092"
    dates = phase["dates"]
    assert (await change(dates={**dates, "enforce": dates["begin"]})).json()["code"] == "MJ-IDENTITY-092"
    assert (await change(dates={**dates, "enforce": dates["end"]})).status_code == 200
    answer = await house("PUT", path, {**WHY, "version": phase["version"] + 1, "share": 50})
    assert answer.json()["code"] == "MJ-IDENTITY-092"


async def test_whom_it_would_hit_is_shown_before_anybody_is(house: House) -> None:
    await house.add("jun", roles=("finance",))
    programme = await made(house)
    phase = programme["phases"][0]
    found = await house.got(f"/programmes/{programme['id']}/phases/{phase['id']}/preview")
    assert (found["total"], found["ready"]) == (2, 0)
    assert {one["name"] for one in found["people"]} == {"Boss", "Jun"}
    rule = quote(json.dumps({"type": "not", "of": {"type": "role", "roles": ["finance"]}}))
    assert (await house.got(f"/programmes/{programme['id']}/preview?rule={rule}&limit=1"))["total"] == 2
    answer = await house("GET", f"/programmes/{programme['id']}/preview?rule=everybody")
    assert answer.json()["code"] == "MJ-IDENTITY-004"
    systems = quote(json.dumps({"type": "platform", "systems": ["Symbian"]}))
    answer = await house("GET", f"/programmes/{programme['id']}/preview?rule={systems}")
    assert answer.json()["code"] == "MJ-IDENTITY-091"


async def test_exceptions_are_given_listed_and_taken_back(house: House) -> None:
    programme = await made(house)
    path, phase = f"/programmes/{programme['id']}/exceptions", programme["phases"][0]
    until = (house.clock.now() + timedelta(days=30)).isoformat()
    asked = {**WHY, "phase_id": phase["id"], "user_id": str(house.mina.id), "until": until}
    first = await house("POST", path, asked)
    assert first.status_code == 201
    second = (await house("POST", path, asked)).json()
    listed = (await house.got(path))["exceptions"]
    assert sorted((one["id"], one["holds"]) for one in listed) == sorted(
        [(second["id"], True), (first.json()["id"], False)]
    )
    taken = await house("POST", f"{path}/{second['id']}/withdraw", WHY)
    assert taken.json()["withdrawn_by"] == str(house.boss.id)
    for wrong, code in (
        ({"until": (house.clock.now() + timedelta(days=400)).isoformat()}, "MJ-IDENTITY-091"),
        ({"user_id": str(uuid4())}, "MJ-IDENTITY-002"),
        ({"phase_id": str(uuid4())}, "MJ-IDENTITY-002"),
    ):
        assert (await house("POST", path, {**asked, **wrong})).json()["code"] == code


async def test_its_words_may_be_an_organisations_own_with_known_placeholders_alone(house: House) -> None:
    programme = await made(house)
    path = f"/programmes/{programme['id']}"
    words = {"subject": "Hello {name}", "text": "From {enforce} on."}
    asked = {**WHY, "version": 1, "name": "Ours", "texts": {"before": {"ko": words, "en": words}}}
    answer = await house("PUT", path, asked)
    assert answer.json()["texts"] == asked["texts"]
    bad = {"before": {"ko": words, "en": {**words, "text": "{password}"}}}
    answer = await house("PUT", path, {**asked, "version": 2, "texts": bad})
    assert (answer.status_code, answer.json()["code"]) == (422, "MJ-IDENTITY-091")


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_nobody_sees_another_organisations(house: House, method: str) -> None:
    stranger = await house.add("eve")
    await house.join_other(stranger, "administrator")
    programme = await made(house)
    eve = house.subject(stranger, org=OTHER)
    body = None if method == "GET" else {**WHY, "version": 1, "name": "x", "texts": {}}
    answer = await house(method, f"/programmes/{programme['id']}", body, who=eve)
    assert (answer.status_code, answer.json()["code"]) == (404, "MJ-IDENTITY-002")
    assert (await house.got("/programmes", who=eve))["programmes"] == []
    asked = {**WHY, "organisation_id": str(HOUSE), "start": BEGUN.isoformat()}
    assert (await house("POST", "/programmes", asked, who=eve)).status_code == 404


async def test_one_that_reached_nobody_may_be_removed(house: House) -> None:
    programme = await made(house)
    answer = await house("POST", f"/programmes/{programme['id']}/remove", {**WHY, "version": 1})
    assert answer.json() == {"removed": programme["id"]}
    programme = await made(house)
    phase = (await act(house, programme, programme["phases"][0], "announce")).json()
    await act(house, programme, phase, "begin")
    answer = await house("POST", f"/programmes/{programme['id']}/remove", {**WHY, "version": 1})
    assert answer.json()["code"] == "MJ-IDENTITY-092"


async def test_who_depends_on_an_old_system_is_counted(house: House) -> None:
    await house.rows("SELECT 1")
    async with house.database("owner").begin() as tx:
        from sqlalchemy import text

        await tx.execute(
            text("INSERT INTO idp.password VALUES (:user, 'wrapped ldap x y', now())"), {"user": house.mina.id}
        )
    found = await house.got(f"/organisations/{HOUSE}/legacy-hashes")
    assert found == {"schemes": {"ldap": 1}, "without_password": 1, "old_system": False}
