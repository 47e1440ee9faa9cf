"""A real browser at a page behind the rig's gateway: real pipeline, sessions and own pages, and time that is moved by
hand on both sides. The identity provider is played by a page or two of the stage, at its own origin.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import uvicorn
from playwright.async_api import BrowserContext, Locator, Page, expect
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from gateway.exchange import Answer, Forward, OwnPage, RequestHead
from gateway.injection.page_script import PageScript
from gateway.step_up.page import StepUpPages
from tests.chromium import provider_socket, shared_chromium
from tests.gateway.rig import ISSUER, Rig

PATIENCE = 15_000
"""Milliseconds; a busy machine takes its time."""
POLICY = (
    "default-src 'self'; script-src 'nonce-n' 'strict-dynamic'; require-trusted-types-for 'script'; "
    "style-src 'self' 'unsafe-inline'"
)
FORM = """
<form id="order" method="post" action="{action}">
  <label>Address <input name="address"></label>
  <label>Note <textarea name="note"></textarea></label>
  <label>Size <select name="size"><option>S<option>M<option>L</select></label>
  <label><input type="checkbox" name="gift"> Gift</label>
  <label><input type="radio" name="pay" value="card"> Card</label>
  <label><input type="radio" name="pay" value="cash"> Cash</label>
  <label>Password <input type="password" name="password"></label>
  <label>Card <input name="card" autocomplete="cc-number"></label>
  <label>Code <input name="code" autocomplete="one-time-code"></label>
  <label>Secret <input name="hidden" data-munjigi-secret></label>
  <label>Check digits <input name="cvc"></label>
  <label>Digits <input name="userPin"></label>
  <label>주민등록번호 <input name="number"></label>
  <label>Shipping <input name="shipping"></label>
  <input type="hidden" name="token" value="t-1">
  <button name="way" value="fast">Send</button>
</form>"""
PAGE = """<!doctype html><html lang="{lang}">
<meta name="viewport" content="width=device-width"><title>A page</title>{head}
<main><h1>A page</h1><label>Typed <input id="typed"></label>{form}
<p id="far" style="margin-top: 3000px">far</p>
<form method="post" action="/.munjigi/sign-out"><button id="leave">Leave</button></form></main>
<script nonce="n">{script}</script>
{include}</html>"""
INCLUDE = '<script type="module" nonce="n" src="/.munjigi/session.js"></script>'


@dataclass
class Stage:
    """What a test holds."""

    rig: Rig
    context: BrowserContext
    port: int
    received: list[dict[str, Any]] = field(default_factory=list)
    """Forms and fetches that the service behind the gateway was given."""
    action: str = "/orders"
    head: str = ""
    script: str = ""
    lang: str = "en"
    policy: str = POLICY
    injected: bool = False
    """The page does not include the script; the gateway puts it in."""
    led: list[str] = field(default_factory=list)
    """What the identity provider was asked."""
    errors: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses that the gateway answered fetches of the service's paths with."""

    @property
    def shop(self) -> str:
        return f"http://shop.localhost:{self.port}"

    async def open(self, path: str = "/page", page: Page | None = None) -> Page:
        """A tab."""
        page = page or await self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        async with page.expect_response(lambda answer: "/.munjigi/session?" in answer.url):
            await page.goto(self.shop + path)
        await self._settled(page)
        return page

    async def signed_in(self, *, idle: float = 1800, absolute: float = 43200, **token: Any) -> Page:
        """A tab whose person is signed in."""
        await self.rig.project(str(token.get("sid", "session-1")), idle=idle, absolute=absolute)
        await self.give_cookie(**{"lifetime": 43200, **token})
        page = await self.context.new_page()
        async with page.expect_response("**/.munjigi/session/events"):
            await self.open(page=page)
        await self._settled(page)
        return page

    async def _settled(self, page: Page) -> None:
        """What the server told the page before has come there by then."""
        await page.evaluate("fetch(location.origin + '/.munjigi/session')")

    async def give_cookie(self, *, secret: str = "c" * 43, **token: Any) -> None:
        """A cookie session of this browser."""
        cookie = (await self.rig.cookie(secret=secret, **token)).decode()
        self._hand_out = cookie
        page = await self.context.new_page()
        await page.goto(f"{self.shop}/test/cookie")
        await page.close()

    async def pass_time(self, page: Page, seconds: float) -> None:
        """Time goes by for the server and for one tab alike."""
        await self._settled(page)
        self.rig.clock.advance(seconds)
        self.rig.beat()
        await page.clock.fast_forward(int(seconds * 1000))

    def provider_signs_in(self, *, sid: str = "session-1", sub: str = "kim", asks: bool = False, **more: Any) -> None:
        """Who comes to the identity provider now is signed in there: at once, or once they pressed its button."""
        self._person = {"sid": sid, "sub": sub, **more}
        self._asks = asks

    def _provider(self, request: Request) -> Response:
        self.led.append(str(request.url))
        query = request.query_params
        if request.url.path == "/end-session":
            back = query["post_logout_redirect_uri"].replace(":8080", f":{self.port}")
            return RedirectResponse(f"{back}?{urlencode({'state': query.get('state', '')})}")
        if self._asks and "pressed" not in query:
            fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in query.items())
            form = f'<form action="/authorize">{fields}<button name="pressed">Yes</button></form>'
            return HTMLResponse(
                f"<!doctype html><h1>Provider</h1>{form}", headers={"Cross-Origin-Opener-Policy": "same-origin"}
            )
        signed = {
            "acr": query.get("acr_values", "urn:munjigi:acr:1"),
            "auth_time": self.rig.clock.timestamp(),
            **self._person,
        }
        self.rig.will_answer(
            self.rig.token(lifetime=43200, **signed), id_token=self.rig.id_token(query["nonce"], **signed)
        )
        back = urlencode({"code": "code-1", "state": query["state"], "iss": ISSUER})
        return RedirectResponse(f"{self.shop}/.munjigi/callback?{back}")

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        scope["state"] = {"correlation_id": "corr-12345678", "authority": "shop.localhost:8080"}
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Any:
        if request.headers["host"] == urlsplit(ISSUER).netloc:
            return self._provider(request)
        if request.url.path == "/test/cookie":
            return HTMLResponse("given", headers={"Set-Cookie": f"{self._hand_out}; Path=/; Secure; HttpOnly"})
        verdict = await self.rig.ask(_head(request))
        if isinstance(verdict, OwnPage):
            request.scope["state"].update(verdict.state, authority="shop.localhost:8080")
            return StepUpPages(self.rig.pages)
        if isinstance(verdict, Answer):
            self.answers.append(verdict.status)
            return Response(verdict.body, verdict.status, {n.decode(): v.decode() for n, v in verdict.headers})
        assert isinstance(verdict, Forward)
        return await self._service(request)

    async def _service(self, request: Request) -> Response:
        if request.method == "POST":
            self.received.append({"path": request.url.path, "body": (await request.body()).decode()})
            if "application/json" in request.headers.get("content-type", ""):
                return JSONResponse({"ok": True})
            return HTMLResponse(f"<!doctype html><title>Done</title><h1>Sent to {request.url.path}</h1>")
        if request.url.path.startswith("/data"):
            return JSONResponse({"ok": True})
        page = PAGE.format(
            lang=self.lang,
            head=self.head,
            form=FORM.format(action=self.action),
            script=self.script,
            include="" if self.injected else INCLUDE,
        )
        lines = [b"content-type: text/html; charset=utf-8", b"content-security-policy: " + self.policy.encode()]
        put = PageScript(self.shop.encode()).begins(200, lines, b"of-this-answer") if self.injected else None
        body = page.encode() if put is None else put.feed(page.encode()) + put.finish()
        return Response(body, headers=dict(line.decode().split(": ", 1) for line in lines))


def _head(request: Request) -> RequestHead:
    return RequestHead(
        method=request.method.encode(),
        host=b"shop.localhost",
        path=request.scope["raw_path"],
        query=request.scope["query_string"],
        headers=[(name.lower(), value) for name, value in request.scope["headers"]],
        client="127.0.0.1",
        scheme="http",
        upgrade=False,
        correlation_id="corr-12345678",
    )


def dialog(page: Page) -> Locator:
    """What stands in the middle."""
    return page.get_by_role("alertdialog")


def corner(page: Page) -> Locator:
    """What stands in the corner."""
    return page.locator("[data-munjigi] .corner")


@asynccontextmanager
async def staged(rig: Rig, **context: Any) -> AsyncIterator[Stage]:
    """A stage, and a browser of its own."""
    async with shared_chromium() as chromium:
        listening = provider_socket()
        opened = await chromium.new_context(**{"locale": "en-US", **context})
        opened.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        stage = Stage(rig, opened, listening.getsockname()[1])
        async with _served(stage._app, listening):
            await opened.clock.install(time=rig.clock.now())
            yield stage
            rig.watch.close()
            await opened.close()
    assert stage.errors == []


@asynccontextmanager
async def _served(app: Callable[..., Any], listening: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(app, interface="asgi3", log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(server.serve(sockets=[listening]))
    yield
    server.should_exit = True
    await task
