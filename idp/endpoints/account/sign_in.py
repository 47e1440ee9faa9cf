"""`/account/sign-in` and `/account/back`: whoever is not signed in gets there, and back to the page that they wanted.

The account is a client of its own house, like any app: the login is the same, with all its steps. What comes back is a
code that nobody redeems (its verifier is thrown away): the session's cookie came with it, and that is all the account
needs. Nothing is believed of the address that comes back but which of its own pages to show.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.connections import Transaction
from events import outbox
from idp.clients.client import ACCOUNT, EVENT_TOPIC, Client
from idp.directory.account import ClientHome
from idp.endpoints.account.confirm import page_of
from idp.endpoints.login.login_page import LoginPages

CLIENT_ID: Final = ACCOUNT
SIGN_IN: Final = "/account/sign-in"
BACK: Final = "/account/back"


class ClientKeeping(Protocol):
    """Where clients are registered."""

    async def put(self, tx: Transaction, client: Client, now: datetime) -> bool:
        """Register a client, or change what is registered of it. Returns whether anything changed."""


class HomeKeeping(Protocol):
    """Where it is kept where clients belong."""

    async def put_client_home(self, tx: Transaction, client_id: str, found: ClientHome) -> None:
        """Keep where a client belongs. Tell it by an event `client` in the same transaction."""


class AccountSignIn:
    """Begins the sign-in, and ends it at a page of the account."""

    def __init__(self, shared: LoginPages, *, clients: ClientKeeping, homes: HomeKeeping, issuer: str) -> None:
        self._shared = shared
        self._clients = clients
        self._homes = homes
        self._issuer = issuer
        self._client = account_client(issuer)

    async def __call__(self, request: Request) -> Response:
        """`GET /account/sign-in?to=`; with `again=yes` the person proves anew who they are."""
        if await self._shared.clients.find(CLIENT_ID) != self._client:
            await self._register()
        verifier = self._shared.entropy.token()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self._client.redirect_uris[0],
            "scope": "openid",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": page_of(request.query_params.get("to")),
            **({"prompt": "login"} if request.query_params.get("again") == "yes" else {}),
        }
        return _to(f"/authorize?{urlencode(asked)}")

    async def back(self, request: Request) -> Response:
        """`GET /account/back`: to the page that was wanted, whatever came of it."""
        return _to(page_of(request.query_params.get("state")))

    async def _register(self) -> None:
        async with self._shared.database.begin() as tx:
            await self._clients.put(tx, self._client, self._shared.clock.now())
            start = ClientHome(organisation_id=None, starts=(self._issuer + SIGN_IN,))
            await self._homes.put_client_home(tx, CLIENT_ID, start)
            await outbox.append(tx, EVENT_TOPIC, CLIENT_ID, {"client_id": CLIENT_ID})
        self._shared.clients.on_event(EVENT_TOPIC, {"client_id": CLIENT_ID})


def account_client(issuer: str) -> Client:
    """What is registered of the account: a public client that redeems nothing, and is granted nothing."""
    return Client(
        client_id=CLIENT_ID,
        name={"ko": "내 계정", "en": "your account"},
        auth_method="none",
        secret_hash=None,
        redirect_uris=(issuer + BACK,),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code",),
        scopes=("openid",),
    )


def _to(address: str) -> Response:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
