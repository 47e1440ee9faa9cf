"""A number for codes by text: added, proven, changed, removed; and what nobody gets past."""

from __future__ import annotations

from sqlalchemy import text

from idp.factors.one_time_code import TRIES
from idp.factors.phone_number import MOST_PEOPLE
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive, Resident, digits
from tests.idp.conftest import OpenDatabase
from tests.idp.letters import letters, texted_code
from tests.idp.login_pages.test_text_code import NUMBER, with_phone
from tests.idp.people import add_person
from tests.idp.provider import Provider


async def add(mina: Resident, typed: str = "010-1234-5678", number: str = NUMBER) -> str:
    """She types her number, and the digits that come; returns what she sees then."""
    page = await mina.post("/account/phone", number=typed)
    assert "We sent six digits to +82 10-1234-5678" in page.text, page.text
    return (await mina.post("/account/phone", code=await texted_code(mina.provider.parts.settings, number))).text


async def test_a_number_is_proven_told_and_sealed(provider: Provider, arrive: Arrive, database: OpenDatabase) -> None:
    mina = await arrive("mina")
    page = await add(mina)
    assert "Your number is added." in page
    assert "Recovery codes" in page  # it is her first second factor
    assert [letter.kind for letter in await mina.letters()] == ["sign_in_code", "factor_changed"]
    assert (await mina.letters())[-1].facts["factor"] == "sms"
    assert (await mina.kinds())[-1] == "factor_enrolled"
    async with database("owner").connect() as tx:
        row = (await tx.execute(text("SELECT * FROM idp.phone"))).one()
        delivery = (await tx.execute(text("SELECT count(*) FROM idp.texted_code"))).scalar_one()
    assert b"1012345678" not in row.sealed_number
    assert row.confirmed_at == provider.parts.clock.now()
    assert delivery == 0
    shown = (await mina.get("/account/factors")).text
    assert "+82 10-1234-5678" in shown


async def test_what_is_no_mobile_number_is_told_kindly_and_nothing_is_sent(arrive: Arrive) -> None:
    mina = await arrive("mina")
    for typed, said in (
        ("mina", "We cannot read this number."),
        ("060-700-1234", "We do not text numbers that cost extra."),
        ("02-312-3456", "This is not a mobile number."),
        ("+1 555 123 4567", "Nobody has this number."),
        ("+81 90 1234 5678", "We do not text numbers of this country."),
    ):
        page = await mina.post("/account/phone", number=typed)
        assert page.status_code in (422, 429), typed
        assert said in page.text, typed
    assert await mina.letters() == []


async def test_five_wrong_codes_use_the_right_one_up(arrive: Arrive, clock: FakeClock) -> None:
    mina = await arrive("mina")
    await mina.post("/account/phone", number="010-1234-5678")
    right = await texted_code(mina.provider.parts.settings, NUMBER)
    for _ in range(TRIES):
        page = await mina.post("/account/phone", code=f"{(int(right) + 1) % 1_000_000:06}")
        assert "These digits do not fit" in page.text
    assert "can no longer be used" in (await mina.post("/account/phone", code=right)).text
    soon = await mina.post("/account/phone", act="again")
    assert "We have just sent some" in soon.text
    clock.advance(31)
    page = await mina.post("/account/phone", act="again")
    assert "We sent new digits" in page.text
    again = await texted_code(mina.provider.parts.settings, NUMBER)
    assert "Your number is added." in (await mina.post("/account/phone", code=again)).text


async def test_a_stronger_factor_is_asked_first(provider: Provider, arrive: Arrive, clock: FakeClock) -> None:
    mina = await arrive("mina", with_totp=True)
    clock.advance(16 * 60)
    assert 'id="number"' not in (await mina.get("/account/phone")).text
    refused = await mina.post("/account/phone", number="010-1234-5678")
    assert refused.status_code == 403
    assert [letter for letter in await mina.letters() if letter.kind == "sign_in_code"] == []
    await mina.post("/account/confirm", code=digits(provider), to="/account/phone")
    assert "Your number is added." in await add(mina)


async def test_whoever_has_only_a_number_confirms_by_it(provider: Provider, arrive: Arrive, clock: FakeClock) -> None:
    mina = await arrive("mina")
    await add(mina)
    clock.advance(16 * 60)
    assert "Text me digits" in (await mina.get("/account/confirm?to=/account/factors")).text
    page = await mina.post("/account/confirm", act="text", to="/account/factors")
    assert "We sent six digits to +82 ***78" in page.text
    wrong = await mina.post("/account/confirm", way="sms", code="000000", to="/account/factors")
    assert "These digits do not fit, or can no longer be used." in wrong.text
    by_password = await mina.post("/account/confirm", password="a horse, a staple and some mist")
    assert by_password.status_code == 403
    code = await texted_code(provider.parts.settings, NUMBER)
    page = await mina.post("/account/confirm", way="sms", code=code, to="/account/factors")
    assert str(page.request.url).endswith("/account/factors")
    live = await mina.session()
    assert live is not None
    assert live.amr == ("pwd", "sms", "mfa")


async def test_it_is_changed_and_removed_and_the_last_one_is_named(provider: Provider, arrive: Arrive) -> None:
    mina = await arrive("mina")
    await add(mina)
    await mina.post("/account/confirm", act="text", to="/account/factors")
    code = await texted_code(provider.parts.settings, NUMBER)
    await mina.post("/account/confirm", way="sms", code=code, to="/account/factors")
    page = await mina.post("/account/phone", number="010-8765-4321")
    assert "+82 10-8765-4321" in page.text
    assert "+82 10-1234-5678" in (await mina.get("/account/factors")).text  # until the other one is proven
    await mina.post("/account/phone", code=await texted_code(provider.parts.settings, "+821087654321"))
    shown = (await mina.get("/account/factors")).text
    assert "+82 10-8765-4321" in shown
    assert "+82 10-1234-5678" not in shown
    ident = shown.partition("/account/factors/remove?kind=sms&amp;id=")[2][:36]
    asked = await mina.get(f"/account/factors/remove?kind=sms&id={ident}")
    assert "This is your last second factor." in asked.text
    removed = await mina.post("/account/factors/remove", kind="sms", id=ident)
    assert "The number was removed." in removed.text
    assert (await mina.letters())[-1].facts["change"] == "removed"
    assert "You have added no number yet." in (await mina.get("/account/factors")).text


async def test_a_number_serves_a_family_and_no_farm(provider: Provider, arrive: Arrive) -> None:
    for name in range(MOST_PEOPLE):
        async with provider.parts.database.begin() as tx:
            user = (await add_person(tx, f"person{name}")).id
        await with_phone(provider, user)
    mina = await arrive("mina")
    page = await mina.post("/account/phone", number="010-1234-5678")
    assert "Several people use this number already." in page.text
    assert not [letter for letter in await letters(provider.parts.settings) if letter.to == NUMBER]
