"""Keys that an organisation takes, what counts there, by its administrators; and keys that somebody should replace."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from config.connections import Transaction
from idp.factors.passkey import Passkey
from idp.storage import factors, passwords
from tests.idp.administration.conftest import MAKER, MDS, OTHER, House
from tests.idp.makers import Maker
from tests.idp.people import HOUSE, add_person

RULES = f"/organisations/{HOUSE}/authentication"
WANTED: dict[str, Any] = {
    "why": "hardware only",
    "attestation": {"demand": "attested", "level": 1, "allowed": [], "denied": []},
    "methods": {"acr2": ["attested_passkey", "totp"], "acr3": ["attested_passkey"]},
}


async def test_they_are_read_changed_and_on_record(house: House) -> None:
    read = await house("GET", RULES)
    assert read.json()["attestation"]["demand"] == "none"
    assert read.json()["methods"]["acr3"] == ["attested_passkey", "device_passkey"]
    kept = await house("PUT", RULES, WANTED, headers={"If-Match": read.headers["etag"]})
    assert kept.status_code == 200, kept.text
    assert kept.headers["etag"] != read.headers["etag"]
    again = await house("GET", RULES)
    assert (again.json(), again.headers["etag"]) == (kept.json(), kept.headers["etag"])
    (change,) = (await house.got(f"/organisations/{HOUSE}/changes"))["changes"]
    assert (change["why"], change["changed"]) == ("hardware only", ["attestation", "methods"])
    (event,) = await house.rows(
        "SELECT payload FROM events.outbox WHERE topic = 'organisation' ORDER BY id DESC LIMIT 1"
    )
    assert event.payload == {"organisation_id": str(HOUSE)}, "every node forgets what it knew"


async def test_nobody_overwrites_what_they_have_not_read(house: House) -> None:
    blind = await house("PUT", RULES, WANTED)
    assert (blind.status_code, blind.json()["code"]) == (428, "MJ-IDENTITY-080")
    tag = blind.headers["etag"]
    assert (await house("PUT", RULES, WANTED, headers={"If-Match": tag})).status_code == 200
    late = await house("PUT", RULES, WANTED, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "MJ-IDENTITY-081")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"methods": {"acr3": ["totp"]}}, "acr3: totp cannot reach it"),
        ({"forbidden": ["passkey", "totp"]}, "passkeys or apps must be left"),
        ({"forbidden": ["passkey"], "verified_approvals": True}, "it takes passkeys"),
        ({"forbidden": ["pigeon"]}, "pigeon"),
        ({"forbidden": ["totp"], "methods": {"acr2": ["totp"], "acr3": []}}, "nothing would be left that reaches acr2"),
        ({"methods": {"acr2": []}}, "acr2: one at least"),
        ({"methods": {"acr2": ["totp"]}}, "acr3: what reaches it"),
        ({"methods": {"acr2": ["carrier_pigeon"]}}, "carrier_pigeon"),
        ({"attestation": {"demand": "certified", "level": 4}}, "level"),
        ({"attestation": {"allowed": ["2FC0579F"]}}, "allowed"),
        ({"attestation": {"allowed": [MAKER.aaguid], "denied": [MAKER.aaguid]}}, "both allowed and denied"),
    ],
)
async def test_what_cannot_be_is_refused(house: House, changed: dict[str, Any], says: str) -> None:
    refused = await house("PUT", RULES, {**WANTED, **changed}, headers={"If-Match": "*"})
    assert refused.status_code in (400, 422), refused.text
    assert says in refused.json()["detail"]
    assert (await house("GET", RULES)).json()["attestation"]["demand"] == "none"


async def test_whom_it_would_hit_is_told_before_anything_is_forbidden(house: House) -> None:
    async with house.database("idp").begin() as tx:
        jun, sora = await add_person(tx, "jun"), await add_person(tx, "sora", with_mail=False)
        for who in (jun, sora, house.mina):
            await passwords.put_password(tx, who.id, "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", house.clock.now())
        await key(tx, house, b"\x01")  # mina has a passkey, and a number
    async with house.database("owner").begin() as tx:
        for who in (jun, sora, house.mina):
            await tx.execute(
                text(
                    "INSERT INTO idp.phone (id, user_id, sealed_number, number_index, created_at, confirmed_at) "
                    "VALUES (gen_random_uuid(), :who, :who_bytes, :who_bytes, now(), now())"
                ),
                {"who": who.id, "who_bytes": who.id.bytes * 2},
            )
    thought = {"forbidden": ["sms"]}
    reach = (await house("POST", f"{RULES}/reach", thought)).json()
    assert (reach["use"], reach["led"], reach["stuck"]) == (3, 1, 1)
    assert [(one["display_name"], one["has"], one["hit"]) for one in reach["people"]] == [
        (sora.display_name, ["sms"], "stuck"),
        (jun.display_name, ["sms"], "led"),
    ]
    assert (await house("GET", RULES)).json()["forbidden"] == [], "nothing was changed"
    without_mail = (await house("POST", f"{RULES}/reach", {"forbidden": ["sms", "email"]})).json()
    assert (without_mail["led"], without_mail["stuck"]) == (0, 2)
    wanted = {**WANTED, **thought}
    refused = await house("PUT", RULES, wanted, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-083")
    assert "1 people" in refused.json()["detail"]
    kept = await house("PUT", RULES, {**wanted, "anyway": True}, headers={"If-Match": "*"})
    assert kept.json()["forbidden"] == ["sms"]
    again = {**wanted, "verified_approvals": False, "why": "the same once more"}
    assert (await house("PUT", RULES, again, headers={"If-Match": "*"})).status_code == 200, "nobody is hit anew"
    (change, *_) = (await house.got(f"/organisations/{HOUSE}/changes"))["changes"]
    assert change["changed"] == []


async def test_without_metadata_no_attestation_can_be_demanded(house: House) -> None:
    house.models.file.current = None
    refused = await house("PUT", RULES, WANTED, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-IDENTITY-082")
    assert "passkey_metadata" in refused.json()["detail"]


async def test_another_organisation_is_nobodys_business(house: House) -> None:
    await house.join_other(house.mina, "customer")
    path = f"/organisations/{OTHER}"
    for answer in (
        await house("GET", f"{path}/authentication"),
        await house("PUT", f"{path}/authentication", WANTED, headers={"If-Match": "*"}),
        await house("GET", f"{path}/suspect-keys"),
    ):
        assert answer.status_code == 404


async def key(tx: Transaction, house: House, ident: bytes, aaguid: str = MAKER.aaguid) -> None:
    made = Passkey(
        credential_id=ident, user_id=house.mina.id, public_key=b"k", sign_count=0, transports=(), aaguid=aaguid,
        label=f"Key {ident.hex()}", user_verified=True, backup_eligible=False, backed_up=False,
        created_at=house.clock.now(), attestation_format="packed", attested=True,
    )  # fmt: skip
    assert await factors.add_passkey(tx, made)


async def test_keys_of_a_model_that_broke_and_copied_ones_are_listed(house: House) -> None:
    other = Maker("ee882879-721c-4913-9775-3dfcce97072a", name="Sunkey")
    async with house.database("idp").begin() as tx:
        await key(tx, house, b"\x01")
        await key(tx, house, b"\x02", other.aaguid)
        await key(tx, house, b"\x03", other.aaguid)
    path = f"/organisations/{HOUSE}/suspect-keys"
    assert (await house.got(path))["keys"] == []
    await house.models.publish(MDS.document(MAKER.entry(("REVOKED", "2026-11-01")), other.entry(), number=2))
    async with house.database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.passkey SET clone_suspected_at = now() WHERE credential_id = '\\x03'"))
    told = await house.got(path)
    assert [(one["label"], one["why"], one["status"], one["model"]) for one in told["keys"]] == [
        ("Key 01", "model_refused", "REVOKED", "Moonkey 5"),
        ("Key 03", "copied", "", "Sunkey"),
    ]
    first = await house.got(f"{path}?limit=1")
    rest = await house.got(f"{path}?limit=1&after={first['next']}")
    assert [first["keys"][0]["label"], rest["keys"][0]["label"], rest["next"]] == ["Key 01", "Key 03", None]
    assert (await house("GET", f"{path}?after=zz")).status_code == 422
    person = await house.got(f"/people/{house.mina.id}")
    shown = {one["label"]: (one["model"], one["model_refused"], one["attested"]) for one in person["factors"]}
    assert shown["Key 01"] == ("Moonkey 5", "REVOKED", True)
    assert shown["Key 02"] == ("Sunkey", "", True)


async def test_models_are_found_by_name_or_id(house: House) -> None:
    told = await house.got("/key-models?name=moon")
    assert told["models"] == [{"aaguid": MAKER.aaguid, "name": "Moonkey 5", "certified": 2, "refused": ""}]
    assert (told["number"], told["next_update"], told["problem"], told["next"]) == (1, "2027-01-01", "", None)
    assert len((await house.got(f"/key-models?name={MAKER.aaguid[:8]}"))["models"]) == 1
    assert (await house.got("/key-models?name=sun"))["models"] == []
