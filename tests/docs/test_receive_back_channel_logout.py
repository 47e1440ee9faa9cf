"""The ear of `docs/how-to/receive-back-channel-logout.md` hears of an end, and of nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc import jws

from config.clock import SystemClock
from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from idp.demo import ShippedClient, register
from idp.sessions.courier import TIMEOUTS
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.provider import App, Provider, running_provider

PAGE = PROJECT / "docs" / "how-to" / "receive-back-channel-logout.md"
ADDRESS = "http://localhost:7000/backchannel-logout"
CALLBACK = "http://localhost:7000/callback"
ORDERS = ShippedClient(
    client_id="orders",
    name={"en": "Orders"},
    auth_method="client_secret_basic",
    secret="orders",
    redirect_uris=(CALLBACK,),
    post_logout_redirect_uris=(),
    grant_types=("authorization_code",),
    scopes=("openid",),
)


@pytest.fixture
def page() -> dict[str, Any]:
    """What the page's blocks define."""
    return defined_by(PAGE)


@pytest.fixture
async def provider(settings: Settings, database: Callable[[Role], Database], valkey: Valkey) -> AsyncIterator[Provider]:
    """By the machine's clock: the verifier of the page looks at that one."""
    async with running_provider(settings, database("idp"), valkey, SystemClock()) as running:
        yield running


async def test_it_forgets_the_session_that_ended(page: dict[str, Any], provider: Provider, settings: Settings) -> None:
    parts = provider.parts
    async with parts.database.begin() as tx:
        await register(tx, settings, page["told"](ORDERS, ADDRESS), parts.clock.now())
    app = App("orders", (settings.secrets / "orders-client.secret").read_text(encoding="ascii"))
    code = await provider.sign_in(
        provider.browser(), app, await provider.person("mina"), redirect_uri=CALLBACK, scope="openid"
    )
    issued = (await provider.redeem(app, code, redirect_uri=CALLBACK)).json()
    sid = _sid(issued["id_token"])
    sessions: dict[str, object] = {sid: "theirs", "another": "somebody else's"}
    keys = {"keys": [key.jwk() for key in parts.keys.ring().public.values()]}
    ear = page["ear"](parts.issuer, "orders", keys, sessions)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(ear), base_url="http://localhost:7000") as stranger:
        refused = await stranger.post("/backchannel-logout", data={"logout_token": issued["id_token"]})
    assert (refused.status_code, len(sessions)) == (400, 2)

    async with parts.database.begin() as tx:
        assert await parts.one_session.end(tx, sid, "administrator", correlation_id="c-1") is not None
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(ear), timeout=TIMEOUTS) as http:
        courier = provider.courier(http)
        assert await courier.step() == 1
        await courier.drain()
    assert sessions == {"another": "somebody else's"}


def _sid(id_token: str) -> str:
    return str(msgspec.json.decode(jws.extract_compact(id_token.encode()).payload)["sid"])
