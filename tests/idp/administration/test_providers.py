"""An organisation's own identity providers by API: whose they are, what is taken, and that secrets stay inside."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from config.envelope import Envelope
from config.settings import Settings
from idp.directory.account import Organisation
from idp.federation.provider import secret_context
from idp.storage import directory, upstream_providers
from tests.idp.administration.conftest import OTHER, House
from tests.idp.people import BEGUN, HOUSE

WHY = "Acme's people sign in with their own accounts"
PATH = f"/organisations/{HOUSE}/providers"
SECRET = "a-secret-of-the-upstream"
NEW = {
    "why": WHY,
    "issuer": "https://idp.acme.example/realms/staff",
    "client_id": "munjigi",
    "auth_method": "client_secret_basic",
    "client_secret": SECRET,
    "name": {"ko": "아크메", "en": "Acme"},
    "domains": ["Acme.example"],
    "roles": ["customer"],
    "counts": {"amr": {"mfa": ["mfa"]}},
}


async def add(house: House, **changed: Any) -> dict[str, Any]:
    made = await house("POST", PATH, {**NEW, **changed})
    assert made.status_code == 200, made.text
    document: dict[str, Any] = made.json()
    return document


def change(document: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The body of a change that changes nothing else."""
    fixed = ("id", "organisation_id", "issuer", "has_secret", "callback", "proven_domains")
    return {"why": WHY, **{name: value for name, value in document.items() if name not in fixed}, **changed}


async def test_one_is_added_shown_changed_and_removed(house: House, settings: Settings) -> None:
    made = await add(house)
    assert made["callback"] == f"http://localhost:9000/sign-in/upstream/{made['id']}/callback"
    assert (made["version"], made["has_secret"], made["domains"]) == (1, True, ["acme.example"])
    assert (made["scopes"], made["just_in_time"]) == (["openid", "profile", "email"], False)
    assert made["counts"] == {"acr": {}, "amr": {"mfa": ["mfa"]}}
    one = f"{PATH}/{made['id']}"
    assert await house.got(one) == made
    assert await house.got(PATH) == {"providers": [made]}

    changed = await house("PUT", one, change(made, name={"ko": "아크메", "en": "Acme Inc"}, enabled=False))
    assert changed.status_code == 200, changed.text
    assert changed.json() == {**made, "version": 2, "name": {"ko": "아크메", "en": "Acme Inc"}, "enabled": False}
    [kept] = await house.rows("SELECT sealed_secret FROM idp.upstream_provider")
    opened = Envelope.load(settings).open(kept.sealed_secret, secret_context(made["id"]))
    assert opened.decode() == SECRET  # null: the one that is kept
    stale = await house("PUT", one, change(made))
    assert (stale.status_code, stale.json()["code"]) == (409, "MJ-IDENTITY-007")

    removed = await house("POST", f"{one}/remove", {"why": WHY})
    assert (removed.status_code, removed.json()) == (200, {"id": made["id"], "links": 0})
    assert (await house("GET", one)).status_code == 404
    records = await house.audited("organisation_changed")
    assert [(record.subject, record.details["act"], record.details["why"]) for record in records] == [
        (str(HOUSE), act, WHY) for act in ("added", "changed", "removed")
    ]
    changes = await house.got(f"/organisations/{HOUSE}/changes")
    assert [one["changed"] for one in changes["changes"]] == [["providers"]] * 3
    events = await house.rows("SELECT payload FROM events.outbox WHERE topic = 'organisation'")
    assert [event.payload for event in events] == [{"organisation_id": str(HOUSE)}] * 3


async def test_the_secret_is_shown_nowhere(house: House) -> None:
    made = await add(house)
    answers = [await house("GET", PATH), await house("PUT", f"{PATH}/{made['id']}", change(made))]
    assert all(SECRET not in answer.text for answer in answers)
    [row] = await house.rows("SELECT upstream_provider::text AS row FROM idp.upstream_provider")
    assert SECRET not in row.row
    assert SECRET.encode().hex() not in row.row
    records = await house.audited("organisation_changed")
    assert all(SECRET not in str(record.details) for record in records)


async def test_only_within_the_administrators_organisations(house: House) -> None:
    made = await add(house)
    await house.join_other(house.boss, "customer")
    for method, path, body in (
        ("GET", f"/organisations/{OTHER}/providers", None),
        ("POST", f"/organisations/{OTHER}/providers", NEW),
        ("GET", f"/organisations/{OTHER}/providers/{made['id']}", None),
        ("PUT", f"/organisations/{OTHER}/providers/{made['id']}", change(made)),
        ("POST", f"/organisations/{OTHER}/providers/{made['id']}/remove", {"why": WHY}),
        ("GET", f"{PATH}/{uuid4()}", None),
        ("GET", f"{PATH}/nobody", None),
    ):
        refused = await house(method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (404, "MJ-IDENTITY-002")
    await house.join_other(house.boss, "administrator")
    elsewhere = await house("GET", f"/organisations/{OTHER}/providers/{made['id']}")
    assert elsewhere.status_code == 404  # theirs too, and it is not there
    stranger = await house("GET", PATH, who=house.subject(house.mina, "customer"))
    assert (stranger.status_code, stranger.json()["code"]) == (403, "MJ-IDENTITY-001")


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("issuer", {"issuer": "http://idp.acme.example"}),
        ("issuer", {"issuer": "https://idp.acme.example?x=y"}),
        ("issuer", {"issuer": "https://user@idp.acme.example"}),
        ("client_secret", {"client_secret": None}),
        ("client_secret", {"auth_method": "none"}),
        ("scopes", {"scopes": ["profile"]}),
        ("name", {"name": {"ko": "아크메"}}),
        ("name", {"name": {"ko": "아크메", "en": " "}}),
        ("domains", {"domains": ["acme"]}),
        ("domains", {"domains": ["아크메.example"]}),
        ("roles", {"roles": ["administrator"]}),
        ("counts", {"counts": {"amr": {"x": ["pwned"]}}}),
        ("counts", {"counts": {"acr": {"x" * 201: ["mfa"]}}}),
    ],
    ids=str,
)
async def test_what_cannot_be_names_its_field(house: House, field: str, wrong: dict[str, Any]) -> None:
    refused = await house("POST", PATH, {**NEW, **wrong})
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-IDENTITY-030")
    assert refused.json()["detail"].startswith(f"{field}: ")
    assert await house.got(PATH) == {"providers": []}


@pytest.mark.parametrize(
    "wrong",
    [{"why": ""}, {"client_secret": "short"}, {"client_id": "a b"}, {"auth_method": "tls"}, {"colour": 1}, {"name": 7}],
)
async def test_what_is_not_understood(house: House, wrong: dict[str, Any]) -> None:
    refused = await house("POST", PATH, {**NEW, **wrong})
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-IDENTITY-004")


async def leads(house: House, domain: str) -> str | None:
    async with house.database("idp").connect() as tx:
        led = await upstream_providers.enabled_for_domain(tx, domain)
    return str(led.id) if led is not None else None


async def word(house: House, act: str, made: dict[str, Any], domain: str = "Acme.example", **more: Any) -> Any:
    body = {"why": "their DNS says so", "provider_id": made["id"], "domain": domain}
    return await house("POST", f"/provider-domains/{act}", body, **more)


async def operate(house: House, settings: Settings) -> None:
    """Make the boss an administrator of the operator's."""
    async with house.database("idp").begin() as tx:
        operator = Organisation(
            id=settings.policy.operator, name="Operator", time_zone="Asia/Seoul", duplicate_login=None
        )
        await directory.put_organisation(tx, operator, BEGUN)
        await directory.put_membership(tx, house.boss.id, operator.id, ("administrator",), BEGUN)


async def test_a_domain_leads_nowhere_before_the_operators_word(house: House, settings: Settings) -> None:
    made = await add(house)
    assert (made["domains"], made["proven_domains"]) == (["acme.example"], [])
    assert await leads(house, "acme.example") is None
    for act in ("prove", "withdraw"):
        assert (await word(house, act, made)).status_code == 404, "only the operator's administrators"
    assert (await house("GET", "/provider-domains")).status_code == 404
    await operate(house, settings)
    assert (await word(house, "prove", made, "other.example")).status_code == 404, "it names it not"
    assert (await word(house, "withdraw", made)).status_code == 404, "it does not lead there"
    assert await leads(house, "acme.example") is None

    proven = await word(house, "prove", made)
    assert (proven.status_code, proven.json()["domain"]) == (200, "acme.example"), proven.text
    assert proven.json()["proven_at"] is not None
    assert await leads(house, "acme.example") == made["id"]
    one = f"{PATH}/{made['id']}"
    kept = await house("PUT", one, change(made, domains=["acme.example", "acme.test"]))
    assert (kept.json()["domains"], kept.json()["proven_domains"]) == (["acme.example", "acme.test"], ["acme.example"])
    assert await house.got("/provider-domains?limit=1") | {"next": ""} == {"domains": [proven.json()], "next": ""}
    rest = await house.got(f"/provider-domains?after={(await house.got('/provider-domains?limit=1'))['next']}")
    assert [(entry["domain"], entry["proven_at"]) for entry in rest["domains"]] == [("acme.test", None)]

    taken_back = await word(house, "withdraw", made)
    assert taken_back.json() == {**proven.json(), "proven_at": None}
    assert await leads(house, "acme.example") is None
    records = [record.details for record in await house.audited("organisation_changed")]
    assert [(one["act"], one.get("domain")) for one in records if "domain" in one] == [
        ("domain_proven", "acme.example"),
        ("domain_withdrawn", "acme.example"),
    ]


async def test_a_domain_that_is_named_anew_is_proven_anew(house: House, settings: Settings) -> None:
    made = await add(house)
    await operate(house, settings)
    await word(house, "prove", made)
    one = f"{PATH}/{made['id']}"
    without = (await house("PUT", one, change(made, domains=[]))).json()
    assert await leads(house, "acme.example") is None
    again = (await house("PUT", one, change(without, domains=["acme.example"]))).json()
    assert (again["domains"], again["proven_domains"]) == (["acme.example"], [])


async def test_a_domain_leads_to_one_alone(house: House, settings: Settings) -> None:
    made = await add(house)
    await house.join_other(house.boss, "administrator")
    await operate(house, settings)
    there = f"/organisations/{OTHER}/providers"
    # whoever names it first keeps nobody else from proving it
    other = (await house("POST", there, NEW)).json()
    assert (await word(house, "prove", other)).status_code == 200
    taken = await word(house, "prove", made)
    assert (taken.status_code, taken.json()["code"]) == (409, "MJ-IDENTITY-031")
    assert "acme.example" in taken.json()["detail"]
    assert await leads(house, "acme.example") == other["id"]
    answers = await asyncio.gather(*(word(house, "prove", one) for one in (made, other, made, other)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409]


async def test_one_issuer_and_client_once(house: House) -> None:
    await add(house)
    again = await house("POST", PATH, {**NEW, "domains": []})
    assert (again.status_code, again.json()["code"]) == (409, "MJ-IDENTITY-031")
    second = await add(house, client_id="another", domains=[])
    twin = await house("PUT", f"{PATH}/{second['id']}", change(second, client_id="munjigi"))
    assert (twin.status_code, twin.json()["code"]) == (409, "MJ-IDENTITY-031")


async def test_a_secret_goes_and_comes(house: House) -> None:
    made = await add(house)
    one = f"{PATH}/{made['id']}"
    gone = await house("PUT", one, change(made, auth_method="none"))
    assert (gone.status_code, gone.json()["has_secret"]) == (200, False)
    missing = await house("PUT", one, change(gone.json(), auth_method="client_secret_post"))
    assert missing.json()["code"] == "MJ-IDENTITY-030"
    back = await house("PUT", one, change(gone.json(), auth_method="client_secret_post", client_secret="another-one"))
    assert (back.status_code, back.json()["has_secret"]) == (200, True)


async def test_only_so_many(house: House) -> None:
    for number in range(20):
        await add(house, client_id=f"client-{number}", domains=[])
    refused = await house("POST", PATH, {**NEW, "client_id": "one more", "domains": []})
    assert refused.status_code == 422  # a client id has no blanks
    refused = await house("POST", PATH, {**NEW, "client_id": "one-more", "domains": []})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-032")


async def test_the_description_has_them(house: House) -> None:
    document = await house.got("/openapi.json")
    one = "/api/identity/organisations/{organisation_id}/providers/{provider_id}"
    assert {"get", "put"} <= set(document["paths"][one])
    assert "post" in document["paths"][f"{one}/remove"]
    assert "issuer" not in document["components"]["schemas"]["ProviderChange"]["properties"]
