"""A lost authenticator is not the end: an administrator takes the lost factors away."""

from __future__ import annotations

from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text

from config.envelope import Envelope
from config.settings import Settings
from idp.storage import sessions
from notifications.queue import sealing_context
from tests.idp.administration.conftest import House

WHY = "휴대폰을 잃어버렸어요"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Where one administrator is enough."""
    settings.idp.single_administrator_resets = True
    return settings


@pytest.fixture
async def enrolled(house: House) -> House:
    """Mina has an app, one begun, two passkeys, a device that approves, codes, and a browser that is remembered."""
    async with house.database("owner").begin() as tx:
        for confirmed in ("now()", "NULL"):
            await tx.execute(
                text(
                    "INSERT INTO idp.totp (id, user_id, label, sealed_secret, last_accepted_step, confirmed_at,"
                    f" created_at) VALUES (:id, :who, 'App', 'x', 0, {confirmed}, now())"
                ),
                {"id": uuid4(), "who": house.mina.id},
            )
        for number in (1, 2):
            await tx.execute(
                text(
                    "INSERT INTO idp.passkey (credential_id, user_id, public_key, sign_count, aaguid, label,"
                    " user_verified, backup_eligible, backed_up, created_at)"
                    " VALUES (:id, :who, 'k', 0, '', 'Key', true, false, false, now())"
                ),
                {"id": bytes([number]), "who": house.mina.id},
            )
        browser = {"id": uuid4(), "who": house.mina.id, "cookie": b"c" * 32, "key": b"\x04" + b"k" * 64}
        await tx.execute(
            text(
                "INSERT INTO idp.device (id, user_id, cookie_hash, trust, label, sign_ins, first_seen_at, last_seen_at)"
                " VALUES (:id, :who, :cookie, 'known', 'Phone', 2, now(), now())"
            ),
            browser,
        )
        await tx.execute(
            text(
                "INSERT INTO idp.approval_device (id, user_id, device_id, label, public_key, created_at)"
                " VALUES (:id, :who, :id, 'Phone', :key, now())"
            ),
            browser,
        )
        await tx.execute(
            text("INSERT INTO idp.recovery_code (user_id, digest, made_at) VALUES (:who, :digest, now())"),
            {"who": house.mina.id, "digest": b"d" * 32},
        )
    return house


async def reset(house: House, who: object = None, **changes: object) -> object:
    body = {"why": WHY, "version": 1, **changes}
    return await house("POST", f"/people/{house.mina.id}/factors/reset", body, who=who)


async def left(house: House) -> int:
    tables = ("totp", "passkey", "approval_device", "recovery_code")
    return sum([len(await house.rows(f"SELECT user_id FROM idp.{table}")) for table in tables])


async def test_every_second_factor_goes_and_the_session_ends(enrolled: House, settings: Settings) -> None:
    answer = await reset(enrolled)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["factors"], document["session"], document["version"]) == ([], None, 2)
    assert await left(enrolled) == 0
    async with enrolled.database("idp").connect() as tx:
        assert await sessions.live_of(tx, enrolled.mina.id, enrolled.clock.now()) is None
    records = await enrolled.audited("factor_removed")
    assert [(record.actor, record.subject, record.details) for record in records] == [
        (str(enrolled.boss.id), str(enrolled.mina.id), {"why": WHY, "factor": factor})
        for factor in ("totp", "passkey", "push", "recovery_code")
    ]
    told = []
    for message in await enrolled.rows("SELECT * FROM notifications.message ORDER BY kind"):
        opened = msgspec.json.decode(Envelope.load(settings).open(message.sealed, sealing_context(message.id)))
        told.append((message.kind, opened["to"], opened["facts"].get("factor")))
    assert sorted(told, key=str) == sorted(
        [
            *(
                ("factor_changed", "mina@mail.example", factor)
                for factor in ("totp", "passkey", "push", "recovery_code")
            ),
            ("session_ended", "mina@mail.example", None),
        ],
        key=str,
    )
    again = await reset(enrolled, version=2)
    assert (again.status_code, again.json()["code"]) == (409, "MJ-IDENTITY-015")


async def test_what_changed_meanwhile_is_not_acted_upon(enrolled: House) -> None:
    refused = await reset(enrolled, version=7)
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-007")
    assert await left(enrolled) == 6


async def test_it_needs_two_factors_lately(enrolled: House) -> None:
    who = msgspec.structs.replace(enrolled.subject(enrolled.boss), acr="urn:munjigi:acr:1")
    assert (await reset(enrolled, who)).status_code == 401
    assert await left(enrolled) == 6


async def test_nobody_resets_their_own(enrolled: House) -> None:
    refused = await enrolled("POST", f"/people/{enrolled.boss.id}/factors/reset", {"why": WHY, "version": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-008")


async def test_whoever_belongs_elsewhere_too_is_not_reset_from_here(enrolled: House) -> None:
    await enrolled.join_other(enrolled.mina, "customer")
    refused = await reset(enrolled)
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-010")
    assert await left(enrolled) == 6
