"""How far a programme is, by the API and on paper; who is stuck; pilot and control; the report."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from config.entropy import SystemEntropy
from idp.devices.sign_in_history import CameFrom, Outcome, SignInHistory
from idp.rollout.phases import Demand, Phase
from idp.storage import programmes, sign_in_history
from idp.storage.rollout_tables import phase_person
from tests.clock import FakeClock
from tests.idp.administration.conftest import OTHER, House
from tests.idp.rollout.values import NOW, programme
from tests.pages.paper.test_report import written

BEGUN = NOW - timedelta(days=10)
PASSKEY = ("hwk", "user", "mfa")


async def begin(house: House, *people: UUID, **other: Any) -> tuple[UUID, Phase]:
    made, cohort, phase = programme(
        **{"state": "piloting", "begun_at": BEGUN, "share": 50, "demand": Demand(methods=("passkey",)), **other}
    )
    async with house.database("idp").begin() as tx:
        await programmes.add(tx, made, [cohort], [phase], NOW)
        for person in people:
            row = {"phase_id": phase.id, "user_id": person, "taken_in_at": BEGUN, "asked_at": BEGUN, "skipped": 1}
            await tx.execute(insert(phase_person).values(**row))
    return made.id, phase


async def tried(
    house: House, person: UUID, outcome: Outcome, *amr: str, at: datetime = NOW, seconds: float | None = None
) -> None:
    history = SignInHistory(sign_in_history, FakeClock(at), SystemEntropy())
    visit = CameFrom(None, "Chrome · Windows", "Chrome", "203.0.113.7", "KR", "")
    async with house.database("idp").begin() as tx:
        await history.note(tx, person, outcome, visit, amr=amr, client_id="app", seconds=seconds)


async def has_passkey(house: House, person: UUID, at: datetime) -> None:
    async with house.database("idp").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.passkey SELECT decode(:c, 'hex'), :a, '', 0, '{}', '', 'key', true, false, false, :b"
            ),
            {"a": person, "b": at, "c": person.hex},
        )


async def test_a_phase_is_followed_from_day_to_day(house: House) -> None:
    jun = await house.add("jun")
    programme_id, phase = await begin(house, house.mina.id, jun.id)
    hour = timedelta(hours=1)
    await tried(house, house.mina.id, "signed_in", "pwd", at=BEGUN - hour, seconds=30.0)
    await has_passkey(house, house.mina.id, NOW - timedelta(days=2))
    await tried(house, house.mina.id, "signed_in", *PASSKEY, at=NOW - hour, seconds=6.0)
    await tried(house, jun.id, "failed", "hwk", at=NOW - 2 * hour)
    async with house.database("owner").begin() as tx:
        for kind, details in (("recovery_asked", "{}"), ("factor_passed", '{"method": "recovery_code"}')):
            await tx.execute(
                text(
                    "INSERT INTO audit.record (at, kind, actor, subject, sid, details, correlation_id)"
                    " VALUES (:at, :kind, '', :who, '', CAST(:details AS jsonb), '')"
                ),
                {"at": NOW - hour, "kind": kind, "who": str(jun.id), "details": details},
            )
    [found] = (await house.got(f"/programmes/{programme_id}/progress"))["phases"]
    wanted = {"reached": 2, "enrolled": 1, "asked": 2, "put_off": 1, "succeeded": 1, "failed": 1, "given_up": 0}
    assert {name: found[name] for name in wanted} == wanted
    assert (found["median_seconds"], found["before_seconds"]) == (6.0, 30.0)
    assert found["help"] == [
        {"kind": "recovery", "times": 1, "people": 1},
        {"kind": "recovery_code", "times": 1, "people": 1},
    ]
    assert found["stuck"] == {"tried": 1, "put_off": 0, "reminded": 0}
    assert {day["day"]: day["enrolled"] for day in found["days"]}["2026-11-20"] == 1
    assert found["forecast"]["on"] is None
    assert set(found["forecast"]) == {"on", "from", "until", "pace", "slowing"}

    stuck = await house.got(f"/programmes/{programme_id}/phases/{phase.id}/stuck")
    [one] = stuck["stuck"]
    assert (one["user_id"], one["why"], one["last_failure"]) == (str(jun.id), "tried", "passkey_refused")
    assert stuck["next"] is None


async def test_pilot_and_control_are_compared_and_reported(house: House) -> None:
    pilot = [house.mina.id]
    pilot += [(await house.add(f"pilot{number}")).id for number in range(3)]
    programme_id, phase = await begin(house, *pilot)
    for person in pilot:
        await tried(house, person, "signed_in", *PASSKEY, at=NOW - timedelta(hours=1), seconds=5.0)
    await tried(house, pilot[0], "failed", "hwk", at=NOW - timedelta(hours=2))
    await tried(house, house.boss.id, "signed_in", "pwd", at=NOW - timedelta(hours=1), seconds=20.0)
    found = await house.got(f"/programmes/{programme_id}/phases/{phase.id}/comparison")
    assert found["control_is"] == "rest_of_cohort"
    assert (found["pilot"]["tried"], found["pilot"]["smooth"], found["pilot"]["missed"]) == (4, 3, 1)
    assert (found["control"]["people"], found["control"]["tried"], found["control"]["smooth"]) == (1, 1, 1)
    assert (found["success"], found["quickness"]) == ("too_few", "too_few")
    [platform] = found["platforms"]
    assert (platform["platform"], platform["tried"], platform["missed"], platform["apart"]) == (
        *("Chrome · Windows", 4, 1),
        None,
    )
    report = await house.got(f"/programmes/{programme_id}/report")
    assert report["comparisons"] == {str(phase.id): found}
    assert report["organisation"] == "House"
    assert {row["strength"]: row["now"] for row in report["signed_in"] if row["now"]} == {
        "phishing_resistant": 4,
        "one_factor": 1,
    }
    [cost] = report["costs"]
    assert (cost["failed"], cost["put_off"], cost["seconds_more"]) == (1, 4, None)
    assert [advice["code"] for advice in report["advice"]] == ["put_off", "too_few"]
    text_of = written((await house("GET", f"/programmes/{programme_id}/report.pdf")).content)
    for said in (
        "비밀번호에서 벗어나기: Way out of passwords",
        "모두 2단계 · 시범 운영",
        "시범 3/4, 비교 1/1 → 아직 말하기에 사람이 적어요",
        "4명이 등록을 미루고 있어요",
    ):
        assert said in text_of, said
    english = written((await house("GET", f"/programmes/{programme_id}/report.pdf?locale=en")).content)
    assert "What to do better" in english


async def test_where_everybody_is_reached_they_are_their_own_control(house: House) -> None:
    programme_id, phase = await begin(house, house.mina.id, house.boss.id, share=100)
    await tried(house, house.mina.id, "signed_in", "pwd", at=BEGUN - timedelta(hours=1), seconds=9.0)
    found = await house.got(f"/programmes/{programme_id}/phases/{phase.id}/comparison")
    assert (found["control_is"], found["control"]["tried"], found["pilot"]["tried"]) == ("before", 1, 0)


async def test_a_phase_that_has_not_begun_has_nobody_to_compare(house: House) -> None:
    programme_id, phase = await begin(house, state="draft", begun_at=None)
    refused = await house("GET", f"/programmes/{programme_id}/phases/{phase.id}/comparison")
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-086")
    [found] = (await house.got(f"/programmes/{programme_id}/progress"))["phases"]
    assert (found["reached"], found["succeeded"], found["forecast"]["on"]) == (0, 0, None)
    assert (await house.got(f"/programmes/{programme_id}/report"))["began_at"] is None
    assert "아직 시작한 단계가 없어요" in written(
        (await house("GET", f"/programmes/{programme_id}/report.pdf")).content
    )


@pytest.mark.parametrize("what", ["progress", "report", "report.pdf", "exception-requests"])
async def test_another_organisations_programme_is_none(house: House, what: str) -> None:
    programme_id, _ = await begin(house)
    stranger = await house.add("stranger", roles=())
    await house.join_other(stranger, "administrator")
    who = house.subject(stranger, org=OTHER)
    assert (await house("GET", f"/programmes/{programme_id}/{what}", who=who)).status_code == 404
    assert (await house("GET", f"/programmes/{UUID(int=9)}/{what}")).status_code == 404
