"""Whom an organisation listens to: added, changed and removed by its administrators, each act on record."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from idp.sessions.received.transmitter import MOST_TRANSMITTERS, digest_of
from tests.idp.administration.conftest import OTHER, House
from tests.idp.people import HOUSE

WHY = "the device manager joins"
PATH = f"/organisations/{HOUSE}/transmitters"
ASKED = {
    "why": WHY,
    "name": "the device manager",
    "issuer": "https://mdm.example",
    "jwks_uri": "https://mdm.example/jwks",
    "delivery": "push",
}
POLLED = {
    **ASKED,
    "audience": "urn:us",
    "delivery": "poll",
    "poll_uri": "https://mdm.example/poll",
    "authorization": "Bearer very secret",
}


async def add(house: House, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await house("POST", PATH, body or ASKED)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_one_that_pushes_from_its_beginning_to_its_end(house: House) -> None:
    made = await add(house)
    token, shown = made["token"], made["transmitter"]
    assert len(token) == 43
    assert shown["push_uri"] == shown["audience"] == f"http://localhost:9000/signals/receive/{shown['id']}"
    assert shown["effects"] == {
        "session_revoked": "end",
        "credential_change": "end",
        "device_compliance_change": "end",
    }
    assert (shown["version"], shown["has_token"], shown["status"]) == (1, True, "enabled")
    [row] = await house.rows("SELECT * FROM idp.signal_transmitter")
    assert row.token_digest == digest_of(token)
    assert await house.got(PATH) == {"transmitters": [shown]}
    one = f"{PATH}/{shown['id']}"
    assert await house.got(one) == shown

    effects = {"device_compliance_change": "step_up", "session_revoked": "record"}
    body = {**ASKED, "name": "another name", "status": "disabled", "effects": effects, "version": 1}
    changed = await house("PUT", one, body)
    assert changed.status_code == 200, changed.text
    assert changed.json()["effects"] == {**effects, "credential_change": "end"}
    assert (changed.json()["version"], changed.json()["status"]) == (2, "disabled")
    assert (await house("PUT", one, body)).json()["code"] == "MJ-IDENTITY-007"

    again = await house("POST", f"{one}/token", {"why": WHY, "version": 2})
    assert again.json()["token"] not in (None, token)
    [row] = await house.rows("SELECT * FROM idp.signal_transmitter")
    assert row.token_digest == digest_of(again.json()["token"])

    gone = await house("POST", f"{one}/remove", {"why": WHY, "version": 3})
    assert gone.json() == {"id": shown["id"]}
    assert (await house("GET", one)).status_code == 404
    records = await house.audited("signal_transmitter_changed")
    assert [record.details["act"] for record in records] == ["added", "changed", "token", "removed"]
    assert {(record.actor, record.subject, record.details["why"]) for record in records} == {
        (str(house.boss.id), str(HOUSE), WHY)
    }
    assert token not in str(records)


async def test_one_that_is_polled(house: House) -> None:
    made = await add(house, POLLED)
    shown = made["transmitter"]
    assert (made["token"], shown["push_uri"], shown["poll_uri"]) == (None, None, POLLED["poll_uri"])
    assert "very secret" not in str(made)
    [row] = await house.rows("SELECT sealed_authorization AS sealed FROM idp.signal_transmitter")
    assert b"secret" not in row.sealed
    one = f"{PATH}/{shown['id']}"
    refused = await house("POST", f"{one}/token", {"why": WHY, "version": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-054")

    async def kept(authorization: str | None, version: int) -> object:
        body = {**POLLED, "authorization": authorization, "version": version}
        assert (await house("PUT", one, body)).status_code == 200
        [row] = await house.rows("SELECT sealed_authorization AS sealed FROM idp.signal_transmitter")
        return row.sealed

    assert await kept(None, 1) == row.sealed
    elsewhere = {**POLLED, "poll_uri": "https://evil.example/poll", "authorization": None, "version": 2}
    answer = await house("PUT", one, elsewhere)
    assert (answer.status_code, answer.json()["code"]) == (422, "MJ-IDENTITY-051"), "what nobody sees goes nowhere else"
    assert await kept("Bearer another", 2) not in (None, row.sealed)
    assert await kept("", 3) is None
    pushed = {**ASKED, "version": 4}
    assert (await house("PUT", one, pushed)).json()["has_token"] is False, "none until one is made"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"issuer": "http://mdm.example"}, 422, "MJ-IDENTITY-051"),
        ({"jwks_uri": "ftp://mdm.example/jwks"}, 422, "MJ-IDENTITY-051"),
        ({"delivery": "poll"}, 422, "MJ-IDENTITY-051"),
        ({"authorization": "a\r\nb", "delivery": "poll", "poll_uri": "https://a.example/"}, 422, "MJ-IDENTITY-051"),
        ({"delivery": "carrier"}, 422, "MJ-IDENTITY-004"),
        ({"effects": {"session_revoked": "explode"}}, 422, "MJ-IDENTITY-004"),
        ({"issuer": "https://mdm.example/\0"}, 422, "MJ-IDENTITY-004"),
        ({"unknown": 1}, 422, "MJ-IDENTITY-004"),
        ({"why": ""}, 422, "MJ-IDENTITY-004"),
    ],
)
async def test_what_cannot_be(house: House, changed: dict[str, object], status: int, code: str) -> None:
    refused = await house("POST", PATH, {**ASKED, **changed})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await house.got(PATH) == {"transmitters": []}


async def test_an_issuer_has_one_stream_of_an_audience(house: House) -> None:
    await add(house, POLLED)
    again = await house("POST", PATH, POLLED)
    assert (again.status_code, again.json()["code"]) == (409, "MJ-IDENTITY-053")
    other = (await add(house))["transmitter"]
    moved = await house("PUT", f"{PATH}/{other['id']}", {**ASKED, "audience": "urn:us", "version": 1})
    assert moved.json()["code"] == "MJ-IDENTITY-053"


async def test_an_organisation_has_so_many(house: House) -> None:
    for _ in range(MOST_TRANSMITTERS):
        await add(house)
    refused = await house("POST", PATH, ASKED)
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-052")


async def test_those_of_another_organisation_are_nobody_s(house: House) -> None:
    ident = (await add(house))["transmitter"]["id"]
    await house.join_other(house.mina, "administrator")
    elsewhere = house.subject(house.mina, org=OTHER)
    theirs = f"/organisations/{OTHER}/transmitters"
    for method, path, body in (
        ("GET", PATH, None),
        ("POST", PATH, ASKED),
        ("GET", f"{PATH}/{ident}", None),
        ("PUT", f"{PATH}/{ident}", {**ASKED, "version": 1}),
        ("POST", f"{PATH}/{ident}/token", {"why": WHY, "version": 1}),
        ("POST", f"{PATH}/{ident}/remove", {"why": WHY, "version": 1}),
        ("GET", f"{theirs}/{ident}", None),
        ("POST", f"{theirs}/{ident}/remove", {"why": WHY, "version": 1}),
    ):
        answer = await house(method, path, body, who=elsewhere)
        assert (answer.status_code, answer.json()["code"]) == (404, "MJ-IDENTITY-002"), path
    assert len((await house.got(PATH))["transmitters"]) == 1
    assert (await house("GET", f"{PATH}/{uuid4()}")).status_code == 404
    assert (await house("GET", f"{PATH}/nonsense")).status_code == 404


async def test_changes_need_fresh_factors(house: House) -> None:
    house.clock.advance(1)
    stale = house.subject(house.boss)
    house.clock.advance(3600)
    refused = await house("POST", PATH, ASKED, who=stale)
    assert (refused.status_code, refused.json()["code"]) == (401, "MJ-IDENTITY-014")
