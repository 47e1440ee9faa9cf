"""Clients by the API: within the administrators' organisations, by version, on record, and never a secret kept."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from config.settings import Settings
from idp.clients.client import ACCOUNT, Client, hash_secret
from idp.clients.registration import ADMINISTRATOR, read_registration
from idp.directory.account import Account, Organisation
from idp.storage import client_register, clients, directory
from tests.idp.administration.conftest import OTHER, House
from tests.idp.people import BEGUN, HOUSE

WHY = "a new shop"
METADATA = {"redirect_uris": ["https://shop.example/callback"], "client_name": "Shop", "client_name#ko": "가게"}


async def added(house: House, client_id: str = "shop", **more: Any) -> dict[str, Any]:
    asked = {"why": WHY, "organisation_id": str(HOUSE), "client_id": client_id, "metadata": METADATA, **more}
    answer = await house("POST", "/clients", asked)
    assert answer.status_code == 201, answer.text
    read: dict[str, Any] = answer.json()
    return read


async def other_boss(house: House) -> Account:
    """An administrator of another organisation alone."""
    other = await house.add("other", roles=())
    await house.join_other(other, "administrator")
    return other


async def test_a_client_is_registered_shown_and_on_record(house: House) -> None:
    told = await added(house)
    client, secret = told["client"], told["client_secret"]
    assert (client["client_id"], client["version"], client["enabled"]) == ("shop", 1, True)
    assert {name: client["metadata"][name] for name in METADATA} == METADATA
    assert client["metadata"]["consent_required"] is False
    assert await house.got("/clients/shop") == client
    async with house.database("idp").connect() as tx:
        kept = await clients.find(tx, "shop")
    assert kept is not None
    assert kept.has_secret(secret)
    assert kept.organisation_id == HOUSE
    [record] = await house.audited("client_registered")
    assert (record.actor, record.subject) == (str(house.boss.id), "shop")
    assert record.details == {"why": WHY, "organisation_id": str(HOUSE)}
    [event] = await house.rows("SELECT payload FROM events.outbox WHERE topic = 'client'")
    assert event.payload == {"client_id": "shop"}
    assert secret not in str(await house.rows("SELECT * FROM idp.client"))
    again = await house(
        "POST", "/clients", {"why": WHY, "organisation_id": str(HOUSE), "client_id": "shop", "metadata": METADATA}
    )
    assert (again.status_code, again.json()["code"]) == (409, "MJ-IDENTITY-021")


async def test_an_id_is_made_where_none_is_asked_for(house: House) -> None:
    one = (await added(house, client_id=None))["client"]["client_id"]
    assert one != (await added(house, client_id=None))["client"]["client_id"]


@pytest.mark.parametrize(
    "changed",
    [
        {"metadata": {"redirect_uris": ["http://evil.example/"]}},
        {"metadata": {**METADATA, "unknown": 1}},
        {"metadata": []},
        {"client_id": "a b"},
        {"client_id": str(HOUSE)},
        {"client_id": HOUSE.hex},
        {"why": " "},
        {"organisation_id": "x"},
        {"unknown": 1},
    ],
)
async def test_what_is_not_sound_is_refused(house: House, changed: dict[str, object]) -> None:
    asked = {"why": WHY, "organisation_id": str(HOUSE), "metadata": METADATA, **changed}
    answer = await house("POST", "/clients", asked)
    assert answer.status_code == 422
    assert await house.rows("SELECT * FROM idp.client") == []


async def test_a_change_is_of_the_version_that_was_read(house: House) -> None:
    await added(house)
    body = {"why": WHY, "version": 1, "metadata": {**METADATA, "scope": "openid"}}
    answer = await house("PUT", "/clients/shop", body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["client"]["version"], told["client"]["metadata"]["scope"]) == (2, "openid")
    assert told["client_secret"] is None
    stale = await house("PUT", "/clients/shop", body)
    assert (stale.status_code, stale.json()["code"]) == (409, "MJ-IDENTITY-007")
    refused = await house("PUT", "/clients/shop", {**body, "version": 2, "metadata": {}})
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-IDENTITY-020")
    [record] = await house.audited("client_changed")
    assert record.details["changed"] == ["scope"]


async def test_a_client_is_switched_off_and_on(house: House) -> None:
    await added(house)
    off = await house("POST", "/clients/shop/disable", {"why": WHY, "version": 1})
    assert (off.status_code, off.json()["enabled"]) == (200, False)
    async with house.database("idp").connect() as tx:
        assert await clients.find(tx, "shop") is None
    assert (await house.got("/clients/shop"))["enabled"] is False
    assert (await house("POST", "/clients/shop/enable", {"why": WHY, "version": 1})).status_code == 409
    on = await house("POST", "/clients/shop/enable", {"why": WHY, "version": 2})
    assert on.json()["enabled"] is True
    assert len(await house.audited("client_disabled")) == len(await house.audited("client_enabled")) == 1


async def test_a_new_secret_takes_the_place_of_the_old_one(house: House) -> None:
    old = (await added(house))["client_secret"]
    answer = await house("POST", "/clients/shop/secret", {"why": WHY, "version": 1})
    new = answer.json()["client_secret"]
    async with house.database("idp").connect() as tx:
        kept = await clients.find(tx, "shop")
    assert kept is not None
    assert kept.secret_hash == hash_secret(new)
    assert not kept.has_secret(old)
    assert new not in str(await house.audited("client_secret_changed"))
    await added(house, "public", metadata={**METADATA, "token_endpoint_auth_method": "none"})
    none = await house("POST", "/clients/public/secret", {"why": WHY, "version": 1})
    assert (none.status_code, none.json()["code"]) == (409, "MJ-IDENTITY-023")


async def test_a_client_is_removed(house: House) -> None:
    await added(house)
    assert (await house("POST", "/clients/shop/remove", {"why": WHY, "version": 2})).status_code == 409
    gone = await house("POST", "/clients/shop/remove", {"why": WHY, "version": 1})
    assert gone.json() == {"client_id": "shop"}
    assert (await house("GET", "/clients/shop")).status_code == 404
    assert len(await house.audited("client_removed")) == 1


async def test_two_organisations_do_not_see_each_other_s(house: House) -> None:
    theirs = house.subject(await other_boss(house), org=OTHER)
    await added(house)
    other = await house(
        "POST",
        "/clients",
        {"why": WHY, "organisation_id": str(OTHER), "client_id": "their", "metadata": METADATA},
        who=theirs,
    )
    assert other.status_code == 201
    assert [one["client_id"] for one in (await house.got("/clients"))["clients"]] == ["shop"]
    assert [one["client_id"] for one in (await house.got("/clients", who=theirs))["clients"]] == ["their"]
    version = {"why": WHY, "version": 1}
    for method, path, body in (
        ("GET", "/clients/shop", None),
        ("PUT", "/clients/shop", {**version, "metadata": METADATA}),
        ("POST", "/clients/shop/disable", version),
        ("POST", "/clients/shop/enable", version),
        ("POST", "/clients/shop/secret", version),
        ("POST", "/clients/shop/remove", version),
        ("POST", "/clients", {"why": WHY, "organisation_id": str(HOUSE), "metadata": METADATA}),
        ("POST", "/clients", {"why": WHY, "organisation_id": None, "metadata": METADATA}),
        ("POST", "/initial-access-tokens", {"why": WHY, "organisation_id": str(HOUSE), "label": "x"}),
        ("GET", "/clients/%00", None),
    ):
        answer = await house(method, path, body, who=theirs)
        assert (answer.status_code, answer.json()["code"]) == (404, "MJ-IDENTITY-002"), (method, path)
    assert (await house.got("/clients/shop"))["version"] == 1


async def test_the_house_s_own_are_its_operator_s(house: House, settings: Settings) -> None:
    """HOUSE is not the organisation that `policy.operator` names."""
    assert settings.policy.operator != HOUSE
    async with house.database("idp").begin() as tx:
        for client_id in ("nobodys", settings.gateway.client_id, ACCOUNT):
            assert await client_register.add(tx, _plain(client_id), None, house.clock.now()) is not None
    assert (await house.got("/clients"))["clients"] == []
    assert (await house("GET", "/clients/nobodys")).status_code == 404
    async with house.database("idp").begin() as tx:
        operator = Organisation(
            id=settings.policy.operator, name="Operator", time_zone="Asia/Seoul", duplicate_login=None
        )
        await directory.put_organisation(tx, operator, BEGUN)
        await directory.put_membership(tx, house.boss.id, operator.id, ("administrator",), BEGUN)
    seen = [one["client_id"] for one in (await house.got("/clients"))["clients"]]
    assert seen == sorted(["nobodys", settings.gateway.client_id, ACCOUNT])
    for client_id in (settings.gateway.client_id, ACCOUNT):
        for act in ("disable", "secret", "remove"):
            answer = await house("POST", f"/clients/{client_id}/{act}", {"why": WHY, "version": 1})
            assert (answer.status_code, answer.json()["code"]) == (409, "MJ-IDENTITY-022")
    assert (await house("POST", "/clients/nobodys/disable", {"why": WHY, "version": 1})).status_code == 200


async def test_a_change_needs_fresh_factors(house: House) -> None:
    boss = house.subject(house.boss)
    stale = replace(boss, auth_time=boss.auth_time - 3600)
    answer = await house(
        "POST", "/clients", {"why": WHY, "organisation_id": str(HOUSE), "metadata": METADATA}, who=stale
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "MJ-IDENTITY-014")


async def test_clients_are_found_by_name_and_come_in_pages(house: House) -> None:
    for client_id, name in (("a-one", "Bakery"), ("b-two", "Library"), ("c-three", "100% bread")):
        await added(house, client_id, metadata={**METADATA, "client_name": name, "client_name#ko": name})
    first = await house.got("/clients?limit=2")
    assert [one["client_id"] for one in first["clients"]] == ["a-one", "b-two"]
    rest = await house.got(f"/clients?limit=2&after={first['next']}")
    assert ([one["client_id"] for one in rest["clients"]], rest["next"]) == (["c-three"], None)
    for asked, found in (("bak", ["a-one"]), ("TWO", ["b-two"]), ("%25", ["c-three"]), ("ko", [])):
        assert [one["client_id"] for one in (await house.got(f"/clients?name={asked}"))["clients"]] == found, asked


async def test_scopes_are_listed(house: House) -> None:
    listed = {one["scope"]: one["claims"] for one in (await house.got("/scopes"))["scopes"]}
    assert listed["email"] == ["email", "email_verified"]
    assert listed["openid"] == []


async def test_initial_access_tokens_are_issued_listed_and_taken_back(house: House) -> None:
    asked = {"why": WHY, "organisation_id": str(HOUSE), "label": "partners", "uses": 3, "expires_in": 600}
    answer = await house("POST", "/initial-access-tokens", asked)
    assert answer.status_code == 201, answer.text
    issued = answer.json()
    token = issued["token"]
    assert (token["label"], token["uses_left"], token["created_by"]) == ("partners", 3, str(house.boss.id))
    assert len(issued["initial_access_token"]) == 43
    assert await house.got("/initial-access-tokens") == {"tokens": [token], "next": None}
    theirs = house.subject(await other_boss(house), org=OTHER)
    assert await house.got("/initial-access-tokens", who=theirs) == {"tokens": [], "next": None}
    revoke = f"/initial-access-tokens/{token['id']}/revoke"
    assert (await house("POST", revoke, {"why": WHY}, who=theirs)).status_code == 404
    assert (await house("POST", revoke, {"why": WHY})).json() == {"id": token["id"]}
    assert (await house("POST", revoke, {"why": WHY})).status_code == 404
    assert await house.rows("SELECT * FROM idp.initial_access_token") == []
    [record] = await house.audited("initial_token_issued")
    assert (record.subject, record.details["uses"]) == (token["id"], 3)
    assert issued["initial_access_token"] not in str(await house.rows("SELECT * FROM audit.record"))
    assert len(await house.audited("initial_token_revoked")) == 1


async def test_initial_access_tokens_come_in_pages_and_only_while_they_are_good(house: House) -> None:
    for label in ("a", "b", "c"):
        asked = {"why": WHY, "organisation_id": str(HOUSE), "label": label, "expires_in": 60}
        assert (await house("POST", "/initial-access-tokens", asked)).status_code == 201
    first = await house.got("/initial-access-tokens?limit=2")
    rest = await house.got(f"/initial-access-tokens?limit=2&after={first['next']}")
    assert sorted(one["label"] for one in first["tokens"] + rest["tokens"]) == ["a", "b", "c"]
    assert rest["next"] is None
    assert (await house("GET", "/initial-access-tokens?after=x")).status_code == 422
    house.clock.advance(60)
    assert (await house.got("/initial-access-tokens"))["tokens"] == []


def _plain(client_id: str) -> Client:
    asked = {**METADATA, "token_endpoint_auth_method": "none"}
    return read_registration(asked, ADMINISTRATOR, client_id=client_id)
