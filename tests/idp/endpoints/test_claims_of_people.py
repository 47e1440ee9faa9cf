"""What apps are told of people: only what the house knows, where scopes or `claims` ask for it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from idp.protocol.scopes import CLAIMS
from idp.storage import preferences, proven_addresses
from idp.storage.directory_tables import user_account
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.endpoints.test_claims_and_resources import said, userinfo
from tests.idp.letters import letters, mailed_code
from tests.idp.login_pages.test_sign_in import hidden, open_sign_in, person, sign_in, submit, submit_mailed_code
from tests.idp.people import BEGUN
from tests.idp.provider import App, Provider

MAIL = "mina@mail.example"


@pytest.fixture
async def app(provider: Provider) -> App:
    return await provider.register()


async def shown(provider: Provider, app: App, user: UUID, **request: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What userinfo and the ID token say of a person, but for what is of the token."""
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end_person(tx, user, "sign_out", correlation_id="test")
    code = await provider.sign_in(provider.browser(), app, user, **request)
    tokens = (await provider.redeem(app, code)).json()
    told = (await userinfo(provider, tokens["access_token"])).json()
    return told, {name: value for name, value in said(tokens["id_token"]).items() if name in CLAIMS}


async def test_scopes_show_what_is_known_and_guess_nothing(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await provider.person()
    sub = {"sub": str(user)}
    profile = {"name": "Mina", "preferred_username": "mina", "locale": "ko", "updated_at": int(BEGUN.timestamp())}
    email = {"email": MAIL, "email_verified": False}
    assert await shown(provider, app, user, scope="openid") == (sub, sub)
    assert await shown(provider, app, user, scope="openid profile") == (sub | profile, sub | profile)
    assert await shown(provider, app, user, scope="openid email") == (sub | email, sub | email)
    clock.advance(60)
    async with provider.parts.database.begin() as tx:
        assert await preferences.speak(tx, user, "en", "Europe/Berlin", clock.now())
    changed = {"locale": "en", "zoneinfo": "Europe/Berlin", "updated_at": int(clock.timestamp())}
    assert (await shown(provider, app, user, scope="openid profile"))[0] == sub | profile | changed


async def test_whoever_has_no_address_is_told_to_have_proven_none(provider: Provider, app: App) -> None:
    user = await provider.person(with_mail=False)
    assert await shown(provider, app, user, scope="openid email") == ({"sub": str(user)}, {"sub": str(user)})


async def test_claims_are_asked_for_one_by_one(provider: Provider, app: App) -> None:
    user = await provider.person()
    asked = {
        "userinfo": {"email_verified": None, "zoneinfo": None, "given_name": {"essential": True}},
        "id_token": {"updated_at": None, "picture": None},
    }
    told, identity = await shown(provider, app, user, scope="openid", claims=json.dumps(asked))
    assert told == {"sub": str(user), "email_verified": False}
    assert identity == {"sub": str(user), "updated_at": int(BEGUN.timestamp())}


async def test_what_is_supported_is_said(provider: Provider) -> None:
    async with provider.client() as client:
        supported = (await client.get("/.well-known/openid-configuration")).json()["claims_supported"]
    assert {"zoneinfo", "updated_at", "email_verified"} <= set(supported)
    assert not {"given_name", "family_name", "picture", "phone_number"} & set(supported)


async def test_a_mailed_code_that_was_right_proves_the_address(
    provider: Provider, app: App, database: OpenDatabase, clock: FakeClock
) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    clock.advance(60)
    second = provider.browser("10.0.0.2")
    page = await submit(second, await open_sign_in(second, app))
    code = await mailed_code(provider.parts.settings)
    wrong = await second.post("/factor", {"hop": hidden(page), "code": "000000" if code != "000000" else "000001"})
    assert wrong.status_code == 422
    async with provider.parts.database.connect() as tx:
        query = text("SELECT proven_email, updated_at FROM idp.user_account WHERE id = :id")
        assert (await tx.execute(query, {"id": user})).one() == (None, BEGUN), "a wrong one proves nothing"
    await submit_mailed_code(provider, second, page)
    async with provider.parts.database.connect() as tx:
        assert (await tx.execute(query, {"id": user})).one() == (MAIL, clock.now())
    told, identity = await shown(provider, app, user, scope="openid email")
    assert told["email_verified"] is identity["email_verified"] is True

    async with database("owner").begin() as tx:  # whatever changes the address withdraws the proof
        await tx.execute(text("UPDATE idp.user_account SET email = 'new@mail.example' WHERE id = :id"), {"id": user})
    told, _ = await shown(provider, app, user, scope="openid email")
    assert (told["email"], told["email_verified"]) == ("new@mail.example", False)


async def test_a_code_proves_the_address_alone_that_it_was_sent_to(
    provider: Provider, app: App, database: OpenDatabase
) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    page = await submit(second, await open_sign_in(second, app))
    assert [letter.to for letter in await letters(provider.parts.settings)][-1] == MAIL
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.user_account SET email = 'new@mail.example' WHERE id = :id"), {"id": user})
    code = await mailed_code(provider.parts.settings)
    assert (await second.post("/factor", {"hop": hidden(page), "code": code})).status_code == 422
    async with provider.parts.database.begin() as tx:
        proven = select(proven_addresses.is_proven()).where(user_account.c.id == user)
        assert (await tx.execute(proven)).scalar_one() is False
        assert not await proven_addresses.prove(tx, user, MAIL, BEGUN), "it is not theirs any more"
        assert (await tx.execute(proven)).scalar_one() is False
