"""Passkeys against an authenticator in software: what counts, and everything that must not."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from config.connections import Database
from config.entropy import SystemEntropy
from config.sections.engines import Role
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.factors.passkey import CHALLENGE_LIFETIME, CloneSuspected, Passkey, PasskeyRefused, RelyingParty
from idp.storage import factors
from tests.clock import FakeClock
from tests.idp.authenticator import BE, BS, UP, SoftAuthenticator
from tests.idp.people import add_person

PARTY = RelyingParty.of_issuer("http://localhost:9000", "Munjigi")
CEREMONIES = PasskeyCeremonies(PARTY, factors, SystemEntropy())
OpenDatabase = Callable[[Role], Database]


async def register(
    idp: Database, clock: FakeClock, authenticator: SoftAuthenticator, user: UUID | None = None
) -> Passkey:
    async with idp.begin() as tx:
        user = user or (await add_person(tx)).id
        options = await CEREMONIES.offer(
            tx, user_id=user, login_name="mina", display_name="Mina", bound_to="account:1", now=clock.now()
        )
        answer = authenticator.create(options)
        return await CEREMONIES.register(tx, answer, user_id=user, label="Key", bound_to="account:1", now=clock.now())


async def ask(idp: Database, clock: FakeClock, bound_to: str = "sign-in:1") -> dict[str, Any]:
    async with idp.begin() as tx:
        return await CEREMONIES.ask(tx, bound_to=bound_to, now=clock.now())


async def answer(
    idp: Database, clock: FakeClock, given: str, bound_to: str = "sign-in:1", person: UUID | None = None
) -> Passkey:
    """As the endpoints do it: what a refused answer used up is used up all the same."""
    async with idp.begin() as tx:
        try:
            return await CEREMONIES.answer(tx, given, bound_to=bound_to, now=clock.now(), person=person)
        except PasskeyRefused as error:
            refused = error
    raise refused


async def test_a_passkey_is_made_and_signs_in(database: OpenDatabase, clock: FakeClock) -> None:
    idp, authenticator = database("idp"), SoftAuthenticator()
    made = await register(idp, clock, authenticator)
    assert made.transports == ("internal",)
    assert made.amr == ("hwk", "user")
    options = await ask(idp, clock)
    assert options["userVerification"] == "required"
    assert options["allowCredentials"] == []
    used = await answer(idp, clock, authenticator.get(options))
    assert used.passkey == replace(made, last_used_at=clock.now())


async def test_a_synced_passkey_is_named_as_such(database: OpenDatabase, clock: FakeClock) -> None:
    authenticator = SoftAuthenticator()
    authenticator.flags |= BE | BS
    made = await register(database("idp"), clock, authenticator)
    assert made.amr == ("swk", "user")
    assert made.backed_up


async def test_without_user_verification_nothing_counts(database: OpenDatabase, clock: FakeClock) -> None:
    idp, authenticator = database("idp"), SoftAuthenticator()
    await register(idp, clock, authenticator)
    authenticator.flags = UP
    with pytest.raises(PasskeyRefused, match="not verified"):
        await answer(idp, clock, authenticator.get(await ask(idp, clock)))
    unverified = SoftAuthenticator(credential_id=b"another credential", flags=UP)
    with pytest.raises(PasskeyRefused, match="verif"):
        await register(idp, clock, unverified, (await made_by(idp)).user_id)


async def made_by(idp: Database) -> Passkey:
    async with idp.begin() as tx:
        found = await factors.passkey(tx, SoftAuthenticator().credential_id)
    assert found is not None
    return found


async def test_a_challenge_works_once_in_its_place_and_time(database: OpenDatabase, clock: FakeClock) -> None:
    idp, authenticator = database("idp"), SoftAuthenticator()
    await register(idp, clock, authenticator)
    given = authenticator.get(await ask(idp, clock))
    with pytest.raises(PasskeyRefused, match="not our challenge"):
        await answer(idp, clock, given, bound_to="sign-in:2")
    await answer(idp, clock, given)
    with pytest.raises(PasskeyRefused, match="used up"):
        await answer(idp, clock, given)
    late = authenticator.get(await ask(idp, clock))
    clock.advance(CHALLENGE_LIFETIME.total_seconds())
    with pytest.raises(PasskeyRefused, match="too late"):
        await answer(idp, clock, late)


async def test_of_many_answers_to_one_challenge_one_counts(database: OpenDatabase, clock: FakeClock) -> None:
    idp, authenticator = database("idp"), SoftAuthenticator()
    await register(idp, clock, authenticator)
    given = authenticator.get(await ask(idp, clock))

    async def use() -> bool:
        try:
            await answer(idp, clock, given)
        except PasskeyRefused:
            return False
        return True

    assert Counter(await asyncio.gather(*(use() for _ in range(10)))) == {True: 1, False: 9}


async def test_a_counter_that_does_not_rise_is_a_copy(database: OpenDatabase, clock: FakeClock) -> None:
    idp, authenticator = database("idp"), SoftAuthenticator(count=5)
    await register(idp, clock, authenticator)
    await answer(idp, clock, authenticator.get(await ask(idp, clock)))
    authenticator.count -= 1
    with pytest.raises(CloneSuspected):
        await answer(idp, clock, authenticator.get(await ask(idp, clock)))
    suspected = await made_by(idp)
    assert suspected.clone_suspected_at == clock.now()
    assert suspected.sign_count == 6


async def test_another_origin_key_or_person_does_not_count(database: OpenDatabase, clock: FakeClock) -> None:
    idp, authenticator = database("idp"), SoftAuthenticator()
    made = await register(idp, clock, authenticator)
    phished = replace(authenticator, origin="http://1ocalhost:9000")
    with pytest.raises(PasskeyRefused, match="origin"):
        await answer(idp, clock, phished.get(await ask(idp, clock)))
    forged = SoftAuthenticator(user_handle=authenticator.user_handle)
    with pytest.raises(PasskeyRefused, match="signature"):
        await answer(idp, clock, forged.get(await ask(idp, clock)))
    with pytest.raises(PasskeyRefused, match="another person's"):
        await answer(idp, clock, authenticator.get(await ask(idp, clock)), person=SystemEntropy().uuid())
    authenticator.user_handle = b"x" * 16
    with pytest.raises(PasskeyRefused, match="another person's"):
        await answer(idp, clock, authenticator.get(await ask(idp, clock)), person=made.user_id)


@pytest.mark.parametrize(
    "rubbish", ["", "null", "{}", "[1]", '{"response": {"clientDataJSON": "!"}}', '{"response": {}}', "9" * 5000]
)
async def test_rubbish_is_refused(database: OpenDatabase, clock: FakeClock, rubbish: str) -> None:
    with pytest.raises(PasskeyRefused):
        await answer(database("idp"), clock, rubbish)


async def test_a_challenge_with_rubbish_around_it_is_used_up(database: OpenDatabase, clock: FakeClock) -> None:
    idp, authenticator = database("idp"), SoftAuthenticator()
    await register(idp, clock, authenticator)
    good = authenticator.get(await ask(idp, clock))
    broken = json.loads(good)
    broken["rawId"] = 7
    with pytest.raises(PasskeyRefused):
        await answer(idp, clock, json.dumps(broken))
    with pytest.raises(PasskeyRefused, match="used up"):
        await answer(idp, clock, good)


async def test_expired_challenges_are_swept(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    await ask(idp, clock)
    clock.advance(CHALLENGE_LIFETIME.total_seconds() - 1)
    await ask(idp, clock)
    clock.advance(1)
    async with database("worker").begin() as tx:
        assert await factors.sweep_challenges(tx, clock.now()) == 1


async def test_a_passkey_stays_in_one_device_or_synced(database: OpenDatabase, clock: FakeClock) -> None:
    idp, authenticator = database("idp"), SoftAuthenticator()
    await register(idp, clock, authenticator)
    authenticator.flags |= BE
    with pytest.raises(PasskeyRefused, match="synced"):
        await answer(idp, clock, authenticator.get(await ask(idp, clock)))


async def test_an_answer_from_a_frame_of_another_origin_does_not_count(
    database: OpenDatabase, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    idp, authenticator = database("idp"), SoftAuthenticator()
    await register(idp, clock, authenticator)
    plain = authenticator._client_data
    monkeypatch.setattr(
        authenticator, "_client_data", lambda *given: plain(*given).replace(b"{", b'{"crossOrigin": true, ', 1)
    )
    with pytest.raises(PasskeyRefused, match="frame"):
        await answer(idp, clock, authenticator.get(await ask(idp, clock)))
