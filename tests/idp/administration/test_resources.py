"""APIs of others by the API: whose they are, what is refused and taken, by version, on record, and told."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from idp.protocol.scopes import SCOPES
from tests.idp.administration.conftest import OTHER, House
from tests.idp.people import HOUSE

WHY = "partners read orders"
ANYBODY = {"for_people": True, "for_programs": True}
READ = {"name": "orders.read", "words": {"ko": "내 주문 보기", "en": "see your orders"}, **ANYBODY}
WRITE = {"name": "orders.write", "words": {"ko": "주문하기", "en": "order for you"}, **ANYBODY}
NEW = {
    "why": WHY,
    "organisation_id": str(HOUSE),
    "identifier": "https://orders.example/api",
    "name": {"ko": "주문", "en": " Orders "},
    "scopes": [WRITE, READ],
}


async def add(house: House, **changed: Any) -> dict[str, Any]:
    made = await house("POST", "/resources", {**NEW, **changed})
    assert made.status_code == 201, made.text
    document: dict[str, Any] = made.json()
    return document


async def test_one_is_added_shown_changed_and_removed(house: House) -> None:
    made = await add(house)
    one = f"/resources/{made['id']}"
    assert (made["version"], made["scopes"], made["name"]["en"]) == (1, [READ, WRITE], "Orders")
    assert await house.got(one) == made
    assert await house.got("/resources") == {"resources": [made], "next": None}

    asked = {"why": WHY, "version": 1, "name": made["name"], "scopes": [READ]}
    changed = await house("PUT", one, asked)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["version"], changed.json()["scopes"]) == (2, [READ])
    assert await house.got(one) == changed.json()
    stale = await house("PUT", one, asked)
    assert (stale.status_code, stale.json()["code"]) == (409, "MJ-IDENTITY-007")
    early = await house("POST", f"{one}/remove", {"why": WHY, "version": 1})
    assert (early.status_code, early.json()["code"]) == (409, "MJ-IDENTITY-007")

    removed = await house("POST", f"{one}/remove", {"why": WHY, "version": 2})
    assert (removed.status_code, removed.json()) == (200, {"id": made["id"]})
    assert (await house("GET", one)).status_code == 404
    assert await house.rows("SELECT * FROM idp.resource_scope") == []
    records = await house.audited("resource_changed")
    assert [(one.subject, one.details["act"], one.details["why"]) for one in records] == [
        (made["id"], act, WHY) for act in ("added", "changed", "removed")
    ]
    events = await house.rows("SELECT payload FROM events.outbox WHERE topic = 'resource'")
    assert [event.payload for event in events] == [{"resource_id": made["id"]}] * 3


async def test_scopes_are_listed_with_their_words(house: House) -> None:
    await add(house)
    listed = (await house.got("/scopes"))["scopes"]
    assert [one["scope"] for one in listed] == [*SCOPES, "orders.read", "orders.write"]
    assert (listed[-2]["words"], listed[-2]["resource"]) == (READ["words"], NEW["identifier"])
    assert listed[0]["resource"] is None


async def test_what_limits_tokens_is_kept(house: House) -> None:
    people = {**READ, "for_programs": False}
    made = await add(house, access_token_lifetime=60, scopes=[people])
    assert (made["access_token_lifetime"], made["scopes"]) == (60, [people])
    listed = (await house.got("/scopes"))["scopes"]
    assert (listed[-1]["for_people"], listed[-1]["for_programs"]) == (True, False)
    one, programs = f"/resources/{made['id']}", {**READ, "for_people": False}
    changed = await house("PUT", one, {"why": WHY, "version": 1, "name": made["name"], "scopes": [programs]})
    assert changed.status_code == 200, changed.text
    assert await house.got(one) == changed.json()
    assert (changed.json()["access_token_lifetime"], changed.json()["scopes"]) == (None, [programs])
    short = await house("POST", "/resources", {**NEW, "scopes": [], "access_token_lifetime": 9})
    assert (short.status_code, short.json()["code"]) == (422, "MJ-IDENTITY-004")


async def test_only_within_the_administrators_organisations(house: House) -> None:
    made = await add(house)
    other = await house.add("other", roles=())
    await house.join_other(other, "administrator")
    theirs = house.subject(other, "administrator", org=OTHER)
    one = f"/resources/{made['id']}"
    for method, path, body in (
        ("POST", "/resources", {**NEW, "identifier": "https://x.example/"}),
        ("POST", "/resources", {**NEW, "identifier": "https://x.example/", "organisation_id": None}),
        ("GET", one, None),
        ("PUT", one, {"why": WHY, "version": 1, "name": made["name"], "scopes": []}),
        ("POST", f"{one}/remove", {"why": WHY, "version": 1}),
        ("GET", f"/resources/{uuid4()}", None),
        ("GET", "/resources/nobody", None),
    ):
        refused = await house(method, path, body, who=theirs)
        assert (refused.status_code, refused.json()["code"]) == (404, "MJ-IDENTITY-002"), (method, path)
    assert (await house("GET", "/resources", who=theirs)).json() == {"resources": [], "next": None}
    assert [row["scope"] for row in (await house("GET", "/scopes", who=theirs)).json()["scopes"]] == list(SCOPES)


async def test_identifiers_and_scopes_are_of_one_alone(house: House) -> None:
    await add(house)
    for changed in ({"scopes": []}, {"identifier": "https://other.example/"}):
        refused = await house("POST", "/resources", {**NEW, **changed})
        assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-025")
    assert len(await house.rows("SELECT * FROM idp.resource_server")) == 1
    assert len(await house.rows("SELECT * FROM idp.resource_scope")) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"identifier": "orders"},
        {"identifier": "https://orders.example/#part"},
        {"name": {"ko": "주문"}},
        {"name": {"ko": "주문", "en": " "}},
        {"scopes": [READ, READ]},
        {"scopes": [{**READ, "name": "openid"}]},
        {"scopes": [{**READ, "words": {"en": "see your orders"}}]},
        {"scopes": [{**READ, "for_people": False, "for_programs": False}]},
        {"access_token_lifetime": 301},
        {"identifier": "urn:munjigi:services"},
    ],
)
async def test_what_cannot_be_described_is_refused(house: House, wrong: dict[str, Any]) -> None:
    refused = await house("POST", "/resources", {**NEW, **wrong})
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-IDENTITY-024")
    assert await house.rows("SELECT * FROM idp.resource_server") == []
