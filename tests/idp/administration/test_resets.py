"""Two administrators let somebody begin anew: one asks and has the code, another agrees, and neither is the person."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest
from sqlalchemy import text

from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from idp.credentials.assisted_reset import ASKED_FOR, CODE_FOR, code_hash, new_code
from idp.directory.account import Account
from idp.storage import factors
from idp.sweeper import build_sweeper
from tests.clock import FakeClock
from tests.idp.administration.conftest import House
from tests.idp.conftest import provider
from tests.idp.letters import letters
from tests.idp.login_pages.test_recover import NEW, give
from tests.idp.provider import Provider

__all__ = ["provider"]
Databases = Callable[[Role], Database]

WHY = "She lost her phone; I know her voice."
AGREED = "I called her, too."


@dataclass
class Two:
    """The house with a second administrator, and what was asked."""

    house: House
    ada: Account
    asked: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.asked["code"])

    async def decide(self, what: str = "approve", who: Account | None = None, **changes: object) -> httpx2.Response:
        reset = self.asked["reset"]
        body = {"why": AGREED, "version": reset["version"], **changes}
        return await self.house("POST", f"/resets/{reset['id']}/{what}", body, who=self.house.subject(who or self.ada))


@pytest.fixture
async def two(house: House) -> Two:
    ada = await house.add("ada", roles=("administrator",))
    async with house.database("owner").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.totp (id, user_id, label, sealed_secret, last_accepted_step, confirmed_at, created_at)"
                " VALUES (:id, :who, 'App', 'x', 0, now(), now())"
            ),
            {"id": uuid4(), "who": house.mina.id},
        )
    asked = await house("POST", f"/people/{house.mina.id}/resets", {"why": WHY, "version": 1})
    assert asked.status_code == 201, asked.text
    return Two(house, ada, asked.json())


async def typed(provider: Provider, code: str, name: str = "mina", address: str = "10.0.0.7") -> httpx2.Response:
    return await provider.browser(address).post("/recover/code", {"login": name, "code": code})


def test_a_code_is_told_by_phone(entropy: Any) -> None:
    code = new_code(entropy)
    assert re.fullmatch(r"\d{4}( \d{4}){4}", code)
    person, other = UUID(int=1), UUID(int=2)
    assert code_hash(person, code) == code_hash(person, code.replace(" ", "-")) != code_hash(other, code)
    for wrong in ("", "1234", "x" * 20, "٣" * 20, code + "1"):
        assert code_hash(person, wrong) is None


async def test_one_asks_another_agrees_and_the_person_begins_anew(
    two: Two, provider: Provider, settings: Settings
) -> None:
    house = two.house
    shown = two.asked["reset"]
    assert (shown["state"], shown["may_approve"], shown["person"]["display_name"]) == ("asked", False, "Mina")
    assert (await typed(provider, two.code)).status_code == 422, "one administrator alone lets nobody in"
    approved = await two.decide()
    assert approved.status_code == 200, approved.text
    assert (approved.json()["state"], approved.json()["decided_by"]["display_name"]) == ("approved", "Ada")
    assert "code" not in approved.json(), "whoever agrees does not have it"
    (told,) = [one for one in await letters(settings) if one.kind == "reset_agreed"]
    assert told.to == "mina@mail.example"
    assert told.facts["stop"].startswith("http://localhost:9000/recover/stop?token=")
    async with house.database("idp").connect() as tx:
        assert await factors.enrolled(tx, house.mina.id) == ["totp"], "nothing is taken away before the code is used"

    for wrong in ("0000 0000 0000 0000 0000", "x"):
        assert (await typed(provider, wrong)).status_code == 422
    assert (await typed(provider, two.code, "boss")).status_code == 422, "a code is one person's"
    led = await typed(provider, two.code.replace(" ", ""))
    assert led.status_code == 303
    link = led.headers["location"]
    assert urlsplit(link).path == "/recover/password"
    browser = provider.browser("10.0.0.7")
    assert "your former factors" in (await browser.get(link)).text
    assert (await give(browser, link, NEW)).status_code == 200
    async with house.database("idp").connect() as tx:
        assert await factors.enrolled(tx, house.mina.id) == []
    assert (await typed(provider, two.code)).status_code == 422, "once"
    entry = await house.got(f"/resets/{shown['id']}")
    assert entry["state"] == "used"
    records = [await house.audited(kind) for kind in ("reset_asked", "reset_approved", "recovery_finished")]
    assert [[(row.actor, row.subject) for row in rows] for rows in records] == [
        [(str(house.boss.id), str(house.mina.id))],
        [(str(two.ada.id), str(house.mina.id))],
        [(str(house.mina.id), str(house.mina.id))],
    ]
    assert records[1][0].details["asked_by"] == str(house.boss.id)
    assert two.code not in str(await house.rows("SELECT * FROM audit.record"))


async def test_neither_is_the_person_nor_the_same(two: Two) -> None:
    house = two.house
    alone = await two.decide(who=house.boss)
    assert (alone.status_code, alone.json()["code"]) == (409, "MJ-IDENTITY-018")
    own = await house("POST", f"/people/{house.boss.id}/resets", {"why": WHY, "version": 1})
    assert (own.status_code, own.json()["code"]) == (409, "MJ-IDENTITY-008")
    asked = await house("POST", f"/people/{two.ada.id}/resets", {"why": WHY, "version": 1})
    assert asked.status_code == 201
    themselves = await Two(house, two.ada, asked.json()).decide()
    assert (themselves.status_code, themselves.json()["code"]) == (409, "MJ-IDENTITY-008")
    with pytest.raises(Exception, match="violates check constraint"):
        await _force(house, "UPDATE idp.assisted_reset SET state = 'approved', decided_by = asked_by")
    with pytest.raises(Exception, match="violates check constraint"):
        await _force(house, "UPDATE idp.assisted_reset SET asked_by = user_id")


async def _force(house: House, statement: str) -> None:
    async with house.database("owner").begin() as tx:
        await tx.execute(text(statement))


async def test_both_need_two_factors_lately(two: Two) -> None:
    weak = msgspec.structs.replace(two.house.subject(two.ada), acr="urn:munjigi:acr:1")
    reset = two.asked["reset"]
    refused = await two.house("POST", f"/resets/{reset['id']}/approve", {"why": AGREED, "version": 1}, who=weak)
    assert refused.status_code == 401
    weak = msgspec.structs.replace(two.house.subject(two.house.boss), acr="urn:munjigi:acr:1")
    refused = await two.house("POST", f"/people/{two.ada.id}/resets", {"why": WHY, "version": 1}, who=weak)
    assert refused.status_code == 401


async def test_one_alone_takes_away_no_factor(two: Two) -> None:
    refused = await two.house("POST", f"/people/{two.house.mina.id}/factors/reset", {"why": WHY, "version": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-019")
    async with two.house.database("idp").connect() as tx:
        assert await factors.enrolled(tx, two.house.mina.id) == ["totp"]


async def test_what_is_under_way_is_not_asked_twice_and_decided_once(two: Two) -> None:
    house = two.house
    again = await house(
        "POST", f"/people/{house.mina.id}/resets", {"why": WHY, "version": 1}, who=house.subject(two.ada)
    )
    assert (again.status_code, again.json()["code"]) == (409, "MJ-IDENTITY-016")
    stale = await two.decide(version=7)
    assert (stale.status_code, stale.json()["code"]) == (409, "MJ-IDENTITY-007")
    refused = await two.decide("refuse")
    assert (refused.status_code, refused.json()["state"]) == (200, "refused")
    late = await two.decide(version=2)
    assert (late.status_code, late.json()["code"]) == (409, "MJ-IDENTITY-017")
    asked = await house("POST", f"/people/{house.mina.id}/resets", {"why": WHY, "version": 1})
    assert asked.status_code == 201, "it may be asked for anew"


async def test_whoever_administers_no_more_asked_for_nothing(two: Two) -> None:
    await _force(two.house, f"UPDATE idp.user_account SET state = 'locked' WHERE id = '{two.house.boss.id}'")
    refused = await two.decide()
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-017")


async def test_people_of_others_are_out_of_reach(two: Two) -> None:
    house = two.house
    eve = await house.add("eve", roles=("administrator",))
    await _force(house, f"DELETE FROM idp.membership WHERE user_id = '{eve.id}'")
    await house.join_other(eve, "administrator")
    who = house.subject(eve, org=UUID("00000000-0000-4000-8000-0000000000bb"))
    reset = two.asked["reset"]
    assert (await house("GET", f"/resets/{reset['id']}", who=who)).status_code == 404
    assert (await house.got("/resets", who=who))["resets"] == []
    answer = await house("POST", f"/resets/{reset['id']}/approve", {"why": AGREED, "version": 1}, who=who)
    assert answer.status_code == 404
    await house.join_other(house.mina, "customer")
    answer = await two.decide()
    assert (answer.status_code, answer.json()["code"]) == (409, "MJ-IDENTITY-010")


async def test_they_are_listed_by_state_and_person_page_by_page(two: Two) -> None:
    house = two.house
    for number in range(3):
        other = await house.add(f"p{number}")
        house.clock.advance(1)
        assert (await house("POST", f"/people/{other.id}/resets", {"why": WHY, "version": 1})).status_code == 201
    first = await house.got("/resets?state=asked&limit=3")
    rest = await house.got(f"/resets?state=asked&limit=3&after={first['next']}")
    names = [one["person"]["display_name"] for one in (*first["resets"], *rest["resets"])]
    assert names == ["P2", "P1", "P0", "Mina"]
    assert rest["next"] is None
    assert len((await house.got(f"/resets?person={house.mina.id}"))["resets"]) == 1
    assert (await house.got("/resets?state=used"))["resets"] == []
    for wrong in ("state=open", "person=x", "after=x"):
        assert (await house("GET", f"/resets?{wrong}")).status_code == 422
    seen = await house.got("/resets", who=house.subject(two.ada))
    assert [one["may_approve"] for one in seen["resets"]] == [True] * 4


async def test_the_person_stops_it_with_one_click(two: Two, provider: Provider, settings: Settings) -> None:
    await two.decide()
    (told,) = [one for one in await letters(settings) if one.kind == "reset_agreed"]
    token = told.facts["stop"].split("token=")[1]
    browser = provider.browser()
    assert "Two administrators agreed" in (await browser.get(f"/recover/stop?token={token}")).text
    assert (await browser.post("/recover/stop", {"token": token})).status_code == 200
    assert (await typed(provider, two.code)).status_code == 422
    assert (await two.house.got(f"/resets/{two.asked['reset']['id']}"))["state"] == "stopped"


@pytest.mark.parametrize("approved", [False, True])
async def test_it_lapses(
    two: Two, provider: Provider, settings: Settings, valkey: Valkey, clock: FakeClock, approved: bool
) -> None:
    if approved:
        await two.decide()
    clock.advance((CODE_FOR if approved else ASKED_FOR).total_seconds())
    assert (await typed(provider, two.code)).status_code == 422
    if not approved:
        assert (await two.decide()).json()["code"] == "MJ-IDENTITY-017"
    await build_sweeper(settings, two.house.database("worker"), valkey, clock).step()
    assert (await two.house.got(f"/resets/{two.asked['reset']['id']}"))["state"] == "lapsed"


async def test_guessing_codes_tells_nothing_and_is_held_off(two: Two, provider: Provider) -> None:
    await two.decide()
    said = set()
    for name in ("mina", "nobody", "boss"):
        answer = await typed(provider, "1234 1234 1234 1234 1234", name, "10.0.0.9")
        page = answer.text.replace(answer.headers["munjigi-correlation-id"], "").replace(f'value="{name}"', "")
        said.add((answer.status_code, page))
    assert len(said) == 1
    answers = [(await typed(provider, "1" * 20, "mina", f"10.0.1.{one}")).status_code for one in range(10)]
    assert answers[-1] == 429, "from many addresses, too"
    assert (await typed(provider, "", "mina")).status_code == 422
