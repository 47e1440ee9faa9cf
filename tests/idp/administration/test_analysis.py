"""How people sign in, by the API and on paper; within the caller's organisations, and nobody else's."""

from __future__ import annotations

import pytest

from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from idp.devices.sign_in_history import CameFrom, Outcome, SignInHistory
from idp.rollout.feedback import Feedback
from idp.storage import feedback, programmes, sign_in_history
from tests.idp.administration.conftest import OTHER, House
from tests.idp.people import HOUSE
from tests.idp.rollout.values import NOW, programme
from tests.pages.paper.test_report import written


async def tried(house: House, outcome: Outcome, *amr: str, seconds: float | None = None) -> None:
    history = SignInHistory(sign_in_history, house.clock, SystemEntropy())
    visit = CameFrom(None, "Chrome · Windows", "Chrome", "203.0.113.7", "KR", "")
    async with house.database("idp").begin() as tx:
        await history.note(tx, house.mina.id, outcome, visit, amr=amr, client_id="app", seconds=seconds)


async def test_it_is_shown_and_printed(house: House) -> None:
    await tried(house, "signed_in", "pwd", seconds=12.0)
    await tried(house, "failed", "pwd")
    made, cohort, phase = programme(state="announced")
    async with house.database("idp").begin() as tx:
        await programmes.add(tx, made, [cohort], [phase], NOW)
    found = await house.got("/analysis?days=7")
    assert (found["people"], found["days"], found["locked"]) == (2, 7, 0)
    by_role = {group["key"]: group["people"] for group in found["groups"] if group["by"] == "role"}
    assert by_role == {"administrator": 1, "customer": 1}
    [method] = found["methods"]
    assert (method["method"], method["strength"], method["median_seconds"]) == ("password", "one_factor", 12.0)
    assert [row["why"] for row in found["failures"]] == ["wrong_password"]
    [hit] = found["phases"]
    assert (hit["phase_id"], hit["people"], hit["ready"], hit["state"]) == (str(phase.id), 2, 0, "announced")
    assert await house.got(f"/analysis?organisation={HOUSE}&days=7") == found

    paper = await house("GET", "/analysis.pdf?days=7&locale=ko")
    assert paper.headers["content-type"] == "application/pdf"
    text = written(paper.content)
    for said in (
        "로그인 방법 분석",
        "House",
        "7일 동안 로그인의 100%가 비밀번호예요",
        "12초",
        "모두 2단계",
        "알림",
        "customer",
    ):
        assert said in text, said
    english = written((await house("GET", "/analysis.pdf?days=7&locale=en")).content)
    assert "100% of the sign-ins of 7 days were by: Password" in english
    assert "MFA for everybody" in english

    days = await house.got("/sign-in-days?days=2")
    assert days["days"] == [
        {
            "day": "2026-11-22",
            "method": "password",
            "got_in": 1,
            "failed": 1,
            "given_up": 0,
            "left": 0,
            "median_seconds": pytest.approx(12.0, rel=0.1),
        }
    ]


async def test_what_people_said_is_shown_without_who_it_was(house: House, settings: Settings) -> None:
    kept = Feedback(feedback, Envelope.load(settings), SystemEntropy())
    async with house.database("idp").begin() as tx:
        await kept.take(tx, house.mina.id, HOUSE, "passkey", 5, "빨라요", house.clock.now())
        await kept.take(tx, house.boss.id, HOUSE, "passkey", 3, "", house.clock.now())
        await kept.take(tx, house.boss.id, HOUSE, "password", None, "", house.clock.now())
    first = await house.got("/feedback?limit=1")
    second = await house.got(f"/feedback?limit=1&after={first['next']}")
    shown = [*first["feedback"], *second["feedback"]]
    assert sorted((one["score"], one["text"]) for one in shown) == [(3, ""), (5, "빨라요")]
    assert second["next"] is None
    assert str(house.mina.id) not in str(shown)
    [marks] = (await house.got("/feedback/marks"))["methods"]
    assert (marks["answers"], marks["mean"], marks["counts"]) == (2, 4.0, [0, 0, 1, 0, 1])
    assert marks["low"] < 4 < marks["high"]


async def test_nobody_sees_what_is_anothers(house: House) -> None:
    await tried(house, "signed_in", "pwd")
    stranger = await house.add("stranger", roles=())
    await house.join_other(stranger, "administrator")
    who = house.subject(stranger, org=OTHER)
    assert (await house.got("/analysis", who=who))["methods"] == []
    assert (await house.got("/sign-in-days", who=who))["days"] == []
    for path in ("/analysis", "/analysis.pdf", "/sign-in-days", "/feedback", "/feedback/marks"):
        assert (await house("GET", f"{path}?organisation={HOUSE}", who=who)).status_code == 404
        assert (await house("GET", path, who=house.subject(house.mina, "customer"))).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        *("/analysis?days=0", "/analysis?days=181", "/analysis?days=x", "/analysis?organisation=x"),
        *("/analysis.pdf?locale=de", "/feedback?after=x"),
    ],
)
async def test_what_cannot_be_understood(house: House, path: str) -> None:
    refused = await house("GET", path)
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-IDENTITY-004")
