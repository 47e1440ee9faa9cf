"""A whole identity provider in the test's process, and a relying app that asks it for tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx2
from starlette.types import ASGIApp

from config.clock import Clock
from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from idp.app import build_application
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.clients.client import AuthMethod, Client, hash_secret
from idp.clients.metadata import NOTHING_MORE, ClientMetadata
from idp.parts import Parts, build_parts
from idp.sessions.courier import Courier
from idp.storage import clients, deliveries, logins
from tests.idp.browser import Browser
from tests.idp.people import add_person
from tests.keys import seed_rsa_key

SECRET = "a secret of 256 bits, let us say"
CALLBACK = "https://app.example/callback"
FACTOR = "http://localhost:9000/factor?hop="
AFTER_LOGOUT = "https://app.example/bye"


@dataclass
class App:
    """A relying app."""

    client_id: str = "app"
    secret: str | None = SECRET
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def request(self, **changed: str | None) -> str:
        """The address of an authorization request; a changed parameter of None is left out."""
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile",
            "state": "a state",
            "nonce": "a nonce",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **changed,
        }
        return "/authorize?" + urlencode({name: value for name, value in parameters.items() if value is not None})


@dataclass
class Provider:
    """The parts, and the ways in."""

    parts: Parts
    app: ASGIApp
    browsers: list[Browser] = field(default_factory=list)

    def browser(self, address: str = "127.0.0.1") -> Browser:
        browser = Browser(httpx2.ASGITransport(self.app, client=(address, 50000)))
        self.browsers.append(browser)
        return browser

    async def register(
        self,
        client_id: str = "app",
        *,
        auth_method: AuthMethod = "client_secret_basic",
        metadata: ClientMetadata = NOTHING_MORE,
        backchannel_logout_uri: str | None = None,
    ) -> App:
        public = auth_method == "none"
        client = Client(
            client_id=client_id,
            name={"ko": "앱", "en": "the app"},
            auth_method=auth_method,
            secret_hash=None if public else hash_secret(SECRET),
            redirect_uris=(CALLBACK,),
            post_logout_redirect_uris=(AFTER_LOGOUT,),
            grant_types=("authorization_code", "refresh_token"),
            scopes=("openid", "profile", "email"),
            metadata=metadata,
            backchannel_logout_uri=backchannel_logout_uri,
        )
        async with self.parts.database.begin() as tx:
            await clients.put(tx, client, self.parts.clock.now())
        return App(client_id, None if public else SECRET)

    async def person(self, name: str = "mina", *, with_mail: bool = True) -> UUID:
        async with self.parts.database.begin() as tx:
            return (await add_person(tx, name, with_mail=with_mail)).id

    async def prove(self, browser: Browser, user: UUID, *amr: str, confirm: bool = True) -> httpx2.Response:
        """What the sign-in page does when a password was right: change the login, and go to the dispatcher.

        With `confirm`, a second factor passes, too, where one is asked for.
        """
        page = await self.change(
            browser, Step.SIGN_IN, lambda login: login.signed_in(user, amr or ("pwd",), self.parts.clock.now())
        )
        return await self.confirm(browser) if confirm and browser.address.startswith(FACTOR) else page

    async def confirm(self, browser: Browser) -> httpx2.Response:
        """What the factor page does when a code by mail was right."""
        now = self.parts.clock.now()
        return await self.change(browser, Step.FACTOR, lambda login: login.passed_factor(("email",), now))

    async def change(self, browser: Browser, step: Step, how: Any, **headers: str) -> httpx2.Response:
        """What any page does: accept its hop, change the login, and go to the dispatcher."""
        login = await self.change_stored(browser, step, how)
        response = self.parts.hops.to_dispatcher(login)
        return await browser.follow(await browser.get(response.headers["location"], **headers))

    async def change_stored(self, browser: Browser, step: Step, how: Any) -> Login:
        """Accept the hop of a page, and change the login that it names."""
        login_id = self.accepts(browser, step)
        async with self.parts.database.begin() as tx:
            login = await logins.claim(tx, login_id, self.parts.clock.now())
            assert login is not None
            changed: Login = how(login)
            await logins.save(tx, changed)
        return changed

    def accepts(self, browser: Browser, step: Step) -> UUID:
        """The login of the hop in the browser's address, as the page of `step` finds it."""
        return self.parts.mac.accept(browser.query()["hop"], step, login_digest(browser))

    async def sign_in(self, browser: Browser, app: App, user: UUID, *amr: str, **changed: str | None) -> str:
        """From the authorization request to the code."""
        await browser.follow(await browser.get(app.request(**changed)))
        await self.prove(browser, user, *amr)
        return browser.query()["code"]

    def basic(self, app: App) -> httpx2.Auth | None:
        """How a confidential app proves itself."""
        return httpx2.BasicAuth(app.client_id, app.secret) if app.secret else None

    async def token(self, app: App, **form: str) -> httpx2.Response:
        """Ask the token endpoint as the app does."""
        auth = self.basic(app)
        if auth is None:
            form = {"client_id": app.client_id, **form}
        return await self.post("/token", form, auth)

    async def redeem(self, app: App, code: str, **changed: str) -> httpx2.Response:
        form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": app.verifier, **changed}
        return await self.token(app, grant_type="authorization_code", **form)

    async def refresh(self, app: App, token: str, **changed: str) -> httpx2.Response:
        return await self.token(app, grant_type="refresh_token", refresh_token=token, **changed)

    async def post(self, path: str, form: dict[str, str], auth: httpx2.Auth | None = None) -> httpx2.Response:
        async with self.client() as client:
            return await client.post(path, data=form, auth=auth)

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url=self.parts.issuer)

    def courier(self, client: httpx2.AsyncClient) -> Courier:
        """Who tells relying parties and subscribers of ends."""
        parts = self.parts
        return Courier(
            deliveries=deliveries,
            database=parts.database,
            ring=parts.keys.ring,
            pairwise=lambda: parts.subject_identifiers.pairwise,
            envelope=parts.envelope,
            client=client,
            outbound=parts.outbound,
            issuer=parts.issuer,
            clock=parts.clock,
            entropy=parts.entropy,
        )


@asynccontextmanager
async def running_provider(
    settings: Settings, database: Database, valkey: Valkey, clock: Clock
) -> AsyncIterator[Provider]:
    await seed_rsa_key(database, settings, clock.now())
    parts = await build_parts(settings, database, valkey, clock, SystemEntropy())
    provider = Provider(parts, build_application(parts))
    try:
        yield provider
    finally:
        for browser in provider.browsers:
            await browser.close()
        parts.passwords.close()


def login_digest(browser: Browser) -> bytes:
    """Of the one login cookie that a browser has."""
    (value,) = (value for name, value in browser.cookies.items() if name.startswith("__Host-munjigi-login"))
    return hashlib.sha256(value.encode()).digest()
