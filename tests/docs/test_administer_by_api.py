"""The script of `docs/how-to/administer-by-api.md` finds people, locks one of them with a reason, and is on record."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from audit.trail import Kind
from idp.administration.app import SERVICE
from jose.assertion import HEADER, Subject
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.administration.conftest import House, house

__all__ = ["house"]

PAGE = PROJECT / "docs" / "how-to" / "administer-by-api.md"
WHY = "Reported as stolen"


@pytest.fixture
def page() -> dict[str, Any]:
    """What the page's blocks define."""
    return defined_by(PAGE)


@pytest.fixture
def script(house: House) -> httpx2.AsyncClient:
    """The client of an administrator's script, past the gateway: it has vouched for them already."""
    return vouched_for(house, house.subject(house.boss))


def vouched_for(house: House, subject: Subject) -> httpx2.AsyncClient:
    token = house.signer.sign(SERVICE, subject, zone="admin", now=house.clock.timestamp())
    house.client.headers[HEADER] = token
    return house.client


async def test_everybody_is_found_page_by_page(page: dict[str, Any], house: House, script: httpx2.AsyncClient) -> None:
    for name in ("jun", "minamoto", "sora"):
        await house.add(name)
    found = [person["login_name"] async for person in page["everybody"](script)]
    assert sorted(found) == ["boss", "jun", "mina", "minamoto", "sora"]
    assert [person["login_name"] async for person in page["everybody"](script, "mina")] == ["mina", "minamoto"]


async def test_one_person_is_locked_told_and_on_record(
    page: dict[str, Any], house: House, script: httpx2.AsyncClient
) -> None:
    await house.add("minamoto")
    answers: list[httpx2.Response] = []

    async def keep(answer: httpx2.Response) -> None:
        answers.append(answer)

    script.event_hooks = {"response": [keep]}
    read = await house.got(f"/people/{house.mina.id}")
    assert read["session"] is not None
    locked = await page["lock"](script, "mina", WHY)
    assert (locked["id"], locked["state"], locked["session"]) == (str(house.mina.id), "locked", None)
    [told] = await house.rows("SELECT kind, user_id FROM notifications.message")
    assert (told.kind, told.user_id) == ("account_locked", house.mina.id)
    [record] = await house.audited("account_locked")
    assert (record.actor, record.subject, record.details["why"]) == (str(house.boss.id), str(house.mina.id), WHY)
    assert record.correlation_id == answers[-1].headers["munjigi-correlation-id"]

    stale = await house("POST", f"/people/{house.mina.id}/unlock", {"why": WHY, "version": read["version"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "MJ-IDENTITY-007")


async def test_whoever_is_no_administrator_locks_nobody(page: dict[str, Any], house: House) -> None:
    with pytest.raises(httpx2.HTTPStatusError) as refused:
        await page["lock"](vouched_for(house, house.subject(house.boss, "support")), "mina", WHY)
    assert refused.value.response.status_code == 403
    assert (await house.got(f"/people/{house.mina.id}"))["state"] == "active"
    [record] = await house.audited("administration_refused")
    assert record.actor == str(house.boss.id)


async def test_a_change_meets_the_challenge_where_the_factors_are_not_fresh(page: dict[str, Any], house: House) -> None:
    boss = house.subject(house.boss)
    script = vouched_for(house, replace(boss, auth_time=boss.auth_time - 3600))
    with pytest.raises(httpx2.HTTPStatusError) as refused:
        await page["lock"](script, "mina", WHY)
    answer = refused.value.response
    assert (answer.status_code, answer.request.method) == (401, "POST"), "reading is let through"
    assert 'acr_values="urn:munjigi:acr:2", max_age="900"' in answer.headers["www-authenticate"]
    assert (await house.got(f"/people/{house.mina.id}"))["state"] == "active"


async def test_its_table_names_every_act_that_there_is(house: House, script: httpx2.AsyncClient) -> None:
    document = (await script.get("/api/identity/openapi.json")).json()
    acts = {
        (method.upper(), nameless(path))
        for path, operations in document["paths"].items()
        for method in operations
        if method != "get"
    }
    named = set()
    for method, path, beside in re.findall(r"`(P[A-Z]+) (/api/identity/[^`]+)`(?:, `(/\w+)`)?", text()):
        named |= {(method, nameless(path))} | (
            {(method, nameless(path.rpartition("/")[0] + beside))} if beside else set()
        )
    assert named == acts


async def test_its_lists_come_in_pages(house: House, script: httpx2.AsyncClient) -> None:
    document = (await script.get("/api/identity/openapi.json")).json()
    paged = {
        nameless(path)
        for path, operations in document["paths"].items()
        if {"limit", "after"} <= {one["name"] for one in operations.get("get", {}).get("parameters", ())}
    }
    section = text().partition("## 2.")[2].partition("```")[0]
    assert {nameless(path) for path in re.findall(r"`(/[^`]+)`", section)} == paged


def test_what_it_says_is_left_behind_is_what_the_audit_knows() -> None:
    section = text().partition("## 4.")[2]
    assert len(kinds := re.findall(r"`([a-z_]+)`", section)) > 5
    assert set(kinds) <= {kind.value for kind in Kind}


def nameless(path: str) -> str:
    """A path whose parameters are called nothing."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def text() -> str:
    return PAGE.read_text(encoding="utf-8")
