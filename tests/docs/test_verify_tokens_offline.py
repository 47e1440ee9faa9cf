"""What `docs/how-to/verify-tokens-offline.md` warns of is so, and its list refuses what the signature lets pass."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from config.settings import Settings
from idp.protocol.access_token import AUDIENCE, TYP
from jose.jws import InvalidToken, Refusal, verify
from jose.keys import PublicKey
from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.conftest import provider
from tests.idp.provider import SECRET, App, Provider
from tests.idp.signals.test_transmitter import Subscriber, subscriber

__all__ = ["provider", "subscriber"]

PAGE = PROJECT / "docs" / "how-to" / "verify-tokens-offline.md"


@pytest.fixture
def page() -> dict[str, Any]:
    """What the page's block defines."""
    return defined_by(PAGE)


async def signed_in(provider: Provider, app: App, name: str) -> dict[str, Any]:
    """The tokens of somebody."""
    code = await provider.sign_in(provider.browser(), app, await provider.person(name))
    tokens: dict[str, Any] = (await provider.redeem(app, code)).json()
    return tokens


async def is_active(provider: Provider, app: App, token: str) -> bool:
    auth = httpx2.BasicAuth(app.client_id, SECRET)
    said = (await provider.post("/introspect", {"token": token}, auth)).json()["active"]
    assert isinstance(said, bool)
    return said


async def test_an_ended_session_is_refused_although_its_token_verifies(
    page: dict[str, Any], provider: Provider, subscriber: Subscriber, settings: Settings, clock: FakeClock
) -> None:
    parts, app = provider.parts, await provider.register()
    async with provider.client() as anybody:
        published = [PublicKey(jwk) for jwk in (await anybody.get("/jwks")).json()["keys"]]

    def offline(token: str) -> dict[str, Any]:
        keys = {key.kid: key for key in published}
        now = clock.timestamp()
        return verify(token, keys, expected_typ=TYP, expected_issuer=parts.issuer, expected_audience=AUDIENCE, now=now)

    lifetime = settings.idp.access_token_lifetime
    ended = page["EndedSessions"](lifetime, clock.timestamp)
    stream_id = (await subscriber.stream())["stream_id"]
    mina, jun = await signed_in(provider, app, "mina"), await signed_in(provider, app, "jun")
    claims = offline(mina["access_token"])
    assert not ended.refuses(claims)

    async with parts.database.begin() as tx:
        assert await parts.one_session.end(tx, str(claims["sid"]), "administrator", correlation_id="c-1") is not None
    for event in (await subscriber.poll(stream_id))["sets"].values():
        ended.learn(subscriber.claims(event)["sub_id"]["session"]["id"])
    assert offline(mina["access_token"]) == claims, "that is what offline means"
    assert ended.refuses(claims)
    assert not ended.refuses(offline(jun["access_token"]))
    assert not await is_active(provider, app, mina["access_token"])
    assert await is_active(provider, app, jun["access_token"])
    again = await provider.refresh(app, mina["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")

    clock.advance(lifetime - 1)
    assert ended.refuses(offline(mina["access_token"]))
    clock.advance(1)
    with pytest.raises(InvalidToken) as refused:
        offline(mina["access_token"])
    assert refused.value.refusal is Refusal.EXPIRED
    assert not ended.refuses(claims), "it may forget what nothing verifies any more"
