"""A client that asks behind people's backs (CIBA), for the tests of its grant."""

from __future__ import annotations

from typing import Any

import httpx2

from idp.clients.metadata import ClientMetadata
from idp.grants.ciba import CIBA
from tests.idp.account.conftest import Resident, hidden
from tests.idp.grants.programs import change
from tests.idp.provider import App, Provider


async def till_of(provider: Provider, client_id: str = "till", **metadata: Any) -> App:
    """A confidential client with the grant."""
    till = await provider.register(client_id)
    more = ClientMetadata(backchannel_token_delivery_mode="poll", **metadata)
    await change(provider, till, grant_types=(CIBA, "refresh_token"), redirect_uris=(), metadata=more)
    return till


async def ask(provider: Provider, till: App, **form: str) -> httpx2.Response:
    """Ask, of mina where nobody else is named; a field that is empty is as good as left out."""
    hint = {} if {"login_hint", "id_token_hint", "login_hint_token", "request"} & set(form) else {"login_hint": "mina"}
    scope = {} if "request" in form else {"scope": "openid profile"}
    return await provider.post("/bc-authorize", {**scope, **hint, **form}, provider.basic(till))


async def begin(provider: Provider, till: App, **form: str) -> dict[str, Any]:
    """What the client polls with."""
    answer = await ask(provider, till, **form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


async def poll(provider: Provider, till: App, begun: dict[str, Any]) -> httpx2.Response:
    return await provider.token(till, grant_type=CIBA, auth_req_id=begun["auth_req_id"])


async def error(provider: Provider, till: App, begun: dict[str, Any]) -> str:
    """What polling is answered, which is no token."""
    answer = await poll(provider, till, begun)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])


async def answer(person: Resident, decision: str = "allow") -> httpx2.Response:
    """Answer the oldest request that the page shows."""
    page = await person.get("/account/requests")
    assert page.status_code == 200, page.text
    form = {"hop": hidden(page), "id": hidden(page, "id"), "decision": decision}
    return await person.post("/account/requests", **form)
