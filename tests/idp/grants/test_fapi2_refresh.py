"""FAPI 2.0: refresh tokens are not rotated, and nothing is issued that is not bound to a key."""

from __future__ import annotations

from dataclasses import replace

from idp.clients.metadata import ClientMetadata
from idp.grants.grant import Credential
from idp.grants.refresh_token import RefreshToken
from idp.storage import clients, refresh_families, sessions
from tests.idp.provider import Provider


async def test_the_token_stays_and_nothing_comes_without_a_key(provider: Provider) -> None:
    app, person = await provider.register(), await provider.person()
    code = await provider.sign_in(provider.browser(), app, person)
    token = (await provider.redeem(app, code)).json()["refresh_token"]
    async with provider.parts.database.begin() as tx:
        client = await clients.find(tx, app.client_id)
        assert client is not None
        held = replace(client, metadata=ClientMetadata(profile="fapi2", dpop_bound_access_tokens=True))
        await clients.put(tx, held, provider.parts.clock.now())
    provider.parts.clients.on_reset()
    grant, now = RefreshToken(refresh_families, sessions, provider.parts.successors), provider.parts.clock.now()
    async with provider.parts.database.begin() as tx:
        for _ in range(2):
            credential = await grant.load(tx, {"refresh_token": token}, held, now)
            assert isinstance(credential, Credential)
            assert credential.successor == token
            await grant.save(tx, credential, credential.successor, now)
        rotating = await grant.load(tx, {"refresh_token": token}, client, now)
        assert isinstance(rotating, Credential)
        assert rotating.successor != token
    refused = await provider.refresh(app, token)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert "bound to a key" in refused.json()["error_description"]
