"""Our own access tokens at the provider's own endpoints: verified once, and over all the same at their moment."""

from __future__ import annotations

import pytest

from idp.endpoints import bearer
from jose.jws import verify
from jose.keys import KeyRing, SigningKey
from tests.clock import FakeClock
from tests.idp.provider import Provider


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signatures were looked at."""
    made: list[str] = []

    def counted(token: str, *arguments: object, **named: object) -> object:
        made.append(token)
        return verify(token, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(bearer, "verify", counted)
    return made


async def access_token(provider: Provider) -> tuple[str, object]:
    app, person = await provider.register(), await provider.person()
    tokens = (await provider.redeem(app, await provider.sign_in(provider.browser(), app, person))).json()
    return tokens["access_token"], provider.basic(app)


async def test_a_signature_is_looked_at_once_and_the_time_always(
    provider: Provider, clock: FakeClock, verifications: list[str]
) -> None:
    token, auth = await access_token(provider)
    for _ in range(3):
        assert (await provider.post("/introspect", {"token": token}, auth)).json()["active"]  # type: ignore[arg-type]
    assert verifications == [token]
    clock.advance(300)
    assert not (await provider.post("/introspect", {"token": token}, auth)).json()["active"]  # type: ignore[arg-type]


async def test_other_keys_believe_nothing_that_was_believed_before(
    provider: Provider, verifications: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token, auth = await access_token(provider)
    assert (await provider.post("/introspect", {"token": token}, auth)).json()["active"]  # type: ignore[arg-type]
    others = KeyRing.of(SigningKey.generate(), *list(provider.parts.keys.ring().signers.values())[1:])
    monkeypatch.setattr(provider.parts.keys, "_ring", others)
    assert not (await provider.post("/introspect", {"token": token}, auth)).json()["active"]  # type: ignore[arg-type]
    assert verifications == [token, token]


async def test_what_is_remembered_is_bounded(
    provider: Provider, verifications: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer, "MOST_KNOWN", 0)
    token, auth = await access_token(provider)
    for _ in range(2):
        assert (await provider.post("/introspect", {"token": token}, auth)).json()["active"]  # type: ignore[arg-type]
    assert verifications == [token, token]


async def test_no_token_outlives_its_session_although_nobody_has_ended_it(provider: Provider, clock: FakeClock) -> None:
    app, person = await provider.register(), await provider.person()
    tokens = (await provider.redeem(app, await provider.sign_in(provider.browser(), app, person))).json()
    auth, idle = provider.basic(app), provider.parts.settings.session.idle_timeout
    clock.advance(idle - 10)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    token = {"token": (await provider.post("/token", form, auth)).json()["access_token"]}
    assert (await provider.post("/introspect", token, auth)).json()["active"]
    clock.advance(10)
    assert (await provider.post("/introspect", token, auth)).json() == {"active": False}
