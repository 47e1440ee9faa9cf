"""The whole way in one process, on real sockets: identity provider, relay, gateway, and a service behind it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pyotp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import events.relay
import gateway.app
import idp.app
import idp.demo
import policy.demo
from config.clock import SystemClock
from config.connections import open_database
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.serving import serve_application
from config.settings import Settings
from config.web import web_application
from idp.credentials.password import PasswordPool
from idp.factors import totp
from idp.factors.totp import Authenticator
from idp.storage import factors, passwords
from jose.assertion import AssertionVerifier
from jose.assertion_middleware import AssertionRequired
from jose.storage.keys import SigningKeys
from tests.idp.people import add_person

PASSWORD = "a horse, a staple and some mist"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PAGE = """<!doctype html><html lang="en"><title>A page</title><h1>A page</h1><input id="typed">
<script type="module" nonce="n" src="/.munjigi/session.js"></script></html>"""
PAGE_POLICY = "default-src 'self'; script-src 'nonce-n' 'strict-dynamic'; require-trusted-types-for 'script'"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
SHOP = "http://shop.localhost:8080"

Serve = Callable[[Settings, Callable[[], None], asyncio.Event], Coroutine[Any, Any, None]]


def on_free_ports(settings: Settings) -> Settings:
    """These settings with a provider that listens on a port of its own, and a gateway on a socket."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return settings.model_copy(
        update={
            "idp": settings.idp.model_copy(
                update={"issuer": f"http://localhost:{port}", "listen": f"127.0.0.1:{port}"}
            ),
            "gateway": settings.gateway.model_copy(update={"listen": f"unix:{settings.runtime}/gateway.sock"}),
        }
    )


async def shops(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """A service that says what it was told."""
    database = open_database(settings, "commerce")
    keys = SigningKeys(Envelope.load(settings))

    async def public_keys() -> object:
        async with database.connect() as tx:
            return await keys.public_keys(tx, "assertion")

    async def say(request: Request) -> JSONResponse:
        subject = request.state.assertion.subject
        return JSONResponse({"sub": subject.sub, "name": subject.name, "headers": dict(request.headers)})

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"})

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        async for message in websocket.iter_text():
            await websocket.send_text(message)

    app = Starlette(
        routes=[
            WebSocketRoute("/reservations/live", echo),
            Route("/page", page),
            Route("/{rest:path}", say, methods=["GET", "POST"]),
        ]
    )
    for name in ("commerce", "reservation"):
        verifier = AssertionVerifier(name, {}, public_keys)  # type: ignore[arg-type] # an awaitable of public keys
        served = web_application(AssertionRequired(app, verifier, SystemClock()), trust_correlation=True)
        if name == "commerce":
            shop = asyncio.create_task(
                serve_application(
                    served, f"unix:{settings.upstream_socket(name)}", ready=lambda: None, stop=stop, drain=1
                )
            )
        else:
            await serve_application(served, f"unix:{settings.upstream_socket(name)}", ready=ready, stop=stop, drain=1)
    await shop
    await database.dispose()


@asynccontextmanager
async def running(settings: Settings, *services: Serve) -> AsyncIterator[None]:
    """Run services until the context ends."""
    stop = asyncio.Event()
    readiness = [asyncio.Event() for _ in services]
    tasks = [
        asyncio.create_task(service(settings, event.set, stop))
        for service, event in zip(services, readiness, strict=True)
    ]
    try:
        for event, task in zip(readiness, tasks, strict=True):
            waiting = asyncio.create_task(event.wait())
            await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                waiting.cancel()
                task.result()
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def people(
    settings: Settings, names: tuple[str, ...] = ("alice", "bob"), roles: tuple[str, ...] = ("customer",)
) -> None:
    """Alice and Bob, or others, each with a password and an authenticator app; the shipped clients and policy."""
    await idp.demo.load(settings)
    await policy.demo.load(settings)
    database = open_database(settings, "idp")
    envelope, entropy, pool = Envelope.load(settings), SystemEntropy(), PasswordPool(threads=1)
    now = SystemClock().now()
    async with database.begin() as tx:
        for name in names:
            person = await add_person(tx, name, roles=roles)
            await passwords.put_password(tx, person.id, await pool.hash(PASSWORD), now)
            ident = entropy.uuid()
            await factors.begin_enrolment(
                tx,
                Authenticator(
                    id=ident,
                    user_id=person.id,
                    label="App",
                    sealed_secret=envelope.seal(SECRET.encode(), totp.context(ident)),
                    last_accepted_step=0,
                    created_at=now,
                    confirmed_at=None,
                ),
            )
            await factors.confirm(tx, ident, now)
    pool.close()
    await database.dispose()


RELAY: Serve = events.relay.serve
PROVIDER: Serve = idp.app.serve
GATEWAY: Serve = gateway.app.serve


@dataclass
class Browser:
    """Keeps cookies by host, `Secure` ones too: the hosts are loopback, which browsers trust."""

    settings: Settings
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    address: str = ""

    def __post_init__(self) -> None:
        gateway_socket = self.settings.gateway.listen.removeprefix("unix:")
        self._shop = httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=gateway_socket), timeout=15)
        self._idp = httpx2.AsyncClient(trust_env=False, timeout=15)

    async def close(self) -> None:
        await self._shop.aclose()
        await self._idp.aclose()

    def cookie(self, url: str) -> str:
        """The Cookie header for an address."""
        jar = self.cookies.get(urlsplit(url).hostname or "", {})
        return "; ".join(f"{name}={value}" for name, value in jar.items())

    def client(self, url: str) -> httpx2.AsyncClient:
        """The connection to whoever is at an address."""
        return self._shop if urlsplit(url).hostname == "shop.localhost" else self._idp

    def headers(self, url: str, **more: str) -> dict[str, str]:
        """What a browser sends when a person navigates."""
        cookie = self.cookie(url)
        return {
            "Accept": "text/html",
            "User-Agent": USER_AGENT,
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
            "Sec-Fetch-User": "?1",
            **({"Cookie": cookie} if cookie else {}),
            **more,
        }

    async def go(self, url: str, method: str = "GET", **rest: object) -> httpx2.Response:
        """Navigate, and follow wherever it leads."""
        for _ in range(20):
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
            more = {"Origin": origin, "Sec-Fetch-Site": "same-origin"} if method == "POST" else {}
            client = self.client(url)
            response = await client.request(method, url, headers=self.headers(url, **more), **rest)  # type: ignore[arg-type] # passed on
            client.cookies.clear()
            self._keep(url, response)
            self.address = url
            if not response.is_redirect:
                return response
            url = str(httpx2.URL(url).join(response.headers["location"]))
            method, rest = "GET", {}
        raise AssertionError(f"round in circles at {url}")

    async def fetch(self, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
        """What a script does."""
        url = SHOP + path
        sent = {
            "Cookie": self.cookie(url),
            "User-Agent": USER_AGENT,
            "Sec-Fetch-Mode": "cors",
            "Origin": SHOP,
            **headers,
        }
        return await self._shop.request(method, url, headers=sent)

    def _keep(self, url: str, response: httpx2.Response) -> None:
        jar = self.cookies.setdefault(urlsplit(url).hostname or "", {})
        for line in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    jar.pop(name, None)
                else:
                    jar[name] = morsel.value

    async def submit(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        """Send the form of a page at its own address."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        return await self.go(self.address.partition("?")[0], "POST", data={**hidden, **fields})

    async def sign_in(self, page: httpx2.Response, name: str, *, step: int = 0) -> httpx2.Response:
        """Name, password, and the code of the current time step, or of one beside it."""
        page = await self.submit(page, login=name, password=PASSWORD)
        if "one-time-code" in page.text:
            page = await self.submit(page, code=code(step))
        return page


def code(step: int = 0) -> str:
    """What the authenticator app shows now, or so many steps of 30 seconds later."""
    return pyotp.TOTP(SECRET).at(int(SystemClock().timestamp()) + 30 * step)
