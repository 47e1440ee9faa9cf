"""RFC 9470 as a program lives it: challenged, it has its person confirm, and does with a new token what it wanted."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx2

from config.clock import SystemClock
from config.connections import open_database
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from idp.clients.client import Client
from idp.credentials.password import PasswordPool
from idp.factors import totp
from idp.factors.totp import Authenticator
from idp.storage import clients, factors, passwords
from tests.gateway.house import (
    GATEWAY,
    PASSWORD,
    PROVIDER,
    RELAY,
    SECRET,
    SHOP,
    Browser,
    code,
    on_free_ports,
    people,
    running,
    shops,
)
from tests.idp.people import add_person

NAME = "a-program"
WANTED = "/reservations/7/cancel"
TWO = "urn:munjigi:acr:2"


@dataclass
class Program:
    """A native app with a loopback redirect (RFC 8252, section 7.3) and PKCE; it has no secret and no cookies."""

    settings: Settings
    person: Browser
    redirect_uri: str
    http: httpx2.AsyncClient
    came_back: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def token(self, *, factor: int | None = None, **asked: str) -> str:
        """Have the person sign in, or confirm with a second factor, in their browser."""
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        parameters = {
            "response_type": "code", "client_id": NAME, "redirect_uri": self.redirect_uri, "scope": "openid",
            "state": secrets.token_urlsafe(8), "code_challenge": challenge, "code_challenge_method": "S256", **asked,
        }  # fmt: skip
        page = await self.person.go(f"{self.settings.idp.issuer}/authorize?{urlencode(parameters)}")
        if factor is None:
            await self.person.sign_in(page, "carol")
        else:
            assert "one-time-code" in page.text, page.text
            await self.person.submit(page, code=code(factor))
        answer = parse_qs(urlsplit(await asyncio.wait_for(self.came_back.get(), 5)).query)
        assert (answer["state"], answer["iss"]) == ([parameters["state"]], [self.settings.idp.issuer])
        redeemed = await self.http.post(
            f"{self.settings.idp.issuer}/token",
            data={
                "grant_type": "authorization_code", "code": answer["code"][0], "client_id": NAME,
                "redirect_uri": self.redirect_uri, "code_verifier": verifier,
            },
        )  # fmt: skip
        assert redeemed.status_code == 200, redeemed.text
        return str(redeemed.json()["access_token"])

    async def ask(self, method: str, path: str, token: str) -> httpx2.Response:
        """Through the gateway, with a bearer token; it would take a page as well."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/html, */*"}
        return await self.person.client(SHOP).request(method, SHOP + path, headers=headers)


@asynccontextmanager
async def listening(program: Program) -> AsyncIterator[None]:
    """The program waits at its loopback address."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        program.came_back.put_nowait(request.split(b" ", 2)[1].decode())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone")
        await writer.drain()
        writer.close()

    port = urlsplit(program.redirect_uri).port
    async with await asyncio.start_server(take, "127.0.0.1", port):
        yield


async def registered(settings: Settings, redirect_uri: str) -> UUID:
    """The program, and Carol, who has a password alone; gives her id."""
    database = open_database(settings, "idp")
    client = Client(
        client_id=NAME,
        name={"ko": "프로그램", "en": "a program"},
        auth_method="none",
        secret_hash=None,
        redirect_uris=(redirect_uri,),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code",),
        scopes=("openid",),
    )
    pool, now = PasswordPool(threads=1), SystemClock().now()
    async with database.begin() as tx:
        await clients.put(tx, client, now)
        person = await add_person(tx, "carol")
        await passwords.put_password(tx, person.id, await pool.hash(PASSWORD), now)
    pool.close()
    await database.dispose()
    return person.id


async def has_an_app(settings: Settings, user_id: UUID) -> None:
    """Carol sets up an authenticator app: from now on she has a second factor."""
    database, ident, now = open_database(settings, "idp"), SystemEntropy().uuid(), SystemClock().now()
    secret = Envelope.load(settings).seal(SECRET.encode(), totp.context(ident))
    async with database.begin() as tx:
        app = Authenticator(
            id=ident, user_id=user_id, label="App", sealed_secret=secret, last_accepted_step=0, created_at=now,
            confirmed_at=None,
        )  # fmt: skip
        await factors.begin_enrolment(tx, app)
        await factors.confirm(tx, ident, now)
    await database.dispose()


def demanded(challenge: str) -> dict[str, str]:
    """The parameters of a challenge (RFC 9470, section 3)."""
    return dict(re.findall(r'(\w+)="([^"]*)"', challenge))


async def test_a_program_is_challenged_and_goes_on_with_a_stronger_token(settings: Settings) -> None:
    place = on_free_ports(settings)
    await people(place)
    port = urlsplit(on_free_ports(settings).idp.issuer).port
    redirect_uri = f"http://127.0.0.1:{port}/callback"
    carol = await registered(place, redirect_uri)
    async with running(place, RELAY, PROVIDER, shops, GATEWAY), httpx2.AsyncClient(trust_env=False) as http:
        program = Program(place, Browser(place), redirect_uri, http)
        async with listening(program):
            weak = await program.token()
            assert (await program.ask("GET", "/reservations", weak)).status_code == 200

            refused = await program.ask("POST", WANTED, weak)
            assert (refused.status_code, refused.json()["code"]) == (401, "MJ-GATEWAY-215")
            asked = demanded(refused.headers["www-authenticate"])
            assert asked["error"] == "insufficient_user_authentication"
            assert asked["acr_values"] == TWO

            await has_an_app(place, carol)
            strong = await program.token(
                factor=1, **{name: asked[name] for name in ("acr_values", "max_age") if name in asked}
            )
            done = await program.ask("POST", WANTED, strong)
            assert done.status_code == 200, done.text
            assert done.json()["name"] is not None
            # the same session, whose first token is as weak as it was
            assert (await program.ask("POST", WANTED, weak)).status_code == 401
            assert (await program.ask("GET", "/reservations", weak)).status_code == 200
        await program.person.close()
