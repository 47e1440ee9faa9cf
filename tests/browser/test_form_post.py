"""The page that posts itself: by its script where there are scripts, by its button where there are none."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Route
from starlette.requests import Request

from config.clock import SystemClock
from idp.authorization.answer import ReturnAddress, code_answer
from idp.endpoints.client_answers import ClientAnswers
from idp.parts import STATIC, TEMPLATES
from idp.routes import ASSETS, HELP
from jose.keys import KeyRing
from pages import Assets, Pages

pytestmark = pytest.mark.browser

ISSUER = "http://localhost:9000"
CALLBACK = "https://app.example/callback"


def _unused_ring() -> KeyRing:
    raise AssertionError("nothing is signed here")


def answered() -> tuple[str, dict[str, str]]:
    """The page as the provider sends it, with the headers that bind it."""
    scope = {
        "type": "http", "method": "GET", "path": "/authorize/continue", "query_string": b"", "headers": [],
        "state": {"correlation_id": "0123456789abcdef"},
    }  # fmt: skip
    answer = code_answer(ReturnAddress(CALLBACK, 'a "state"', "form_post"), code="the code", issuer=ISSUER)
    pages = Pages(*TEMPLATES, assets=Assets(STATIC, base=ASSETS), help_at=HELP)
    response = ClientAnswers(pages, _unused_ring, SystemClock()).send(Request(scope), answer)
    return bytes(response.body).decode(), dict(response.headers)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_answer_arrives(browser: Browser, scripts: bool) -> None:
    html, headers = answered()
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": 320, "height": 640})
    page, posted, said = context.new_page(), [], []

    def provider(route: Route) -> None:
        if route.request.url == f"{ISSUER}/authorize/continue":
            route.fulfill(body=html, headers=headers)
        else:
            route.fulfill(body="")

    def app(route: Route) -> None:
        posted.append((route.request.method, route.request.post_data))
        route.fulfill(body="<h1>Welcome</h1>", content_type="text/html")

    page.on("console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None)
    context.route(f"{ISSUER}/**", provider)
    context.route(CALLBACK, app)
    page.goto(f"{ISSUER}/authorize/continue", wait_until="commit")
    if not scripts:
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        page.get_by_role("button", name="Go on to the application").click()
    page.get_by_role("heading", name="Welcome").wait_for()
    assert [text for text in said if "Content Security Policy" in text] == []
    ((method, body),) = posted
    assert method == "POST"
    assert dict(parse_qsl(body or "")) == {"code": "the code", "state": 'a "state"', "iss": ISSUER}
    context.close()
