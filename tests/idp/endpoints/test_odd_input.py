"""Whatever is sent, the answer is a refusal: never an error of ours."""

from __future__ import annotations

import base64
import json

import httpx2
import pytest
from starlette.types import Message

from tests.idp.login_pages.test_account import options
from tests.idp.login_pages.test_sign_in import hidden, open_sign_in, person, sign_in
from tests.idp.provider import CALLBACK, Provider


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _answer(client_data: bytes, **response: str) -> str:
    return json.dumps(
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {"clientDataJSON": _encoded(client_data), **response},
        }
    )


DEEP = "[" * 12_000
DEEP_CLAIMS = b'{"iat":1,"aud":"x","a":' + DEEP.encode()
ANSWERS = ["", "null", "[]", DEEP, "9" * 6000, _answer(b"["), _answer(DEEP[:9000].encode()), '{"response":{}}']


@pytest.mark.parametrize("name", ["\0", "app\0", "x" * 5000, "é", "\u0000app"])
@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect"])
async def test_strange_names_of_clients(provider: Provider, path: str, name: str) -> None:
    await provider.register()
    sent = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    by_form = await provider.post(path, {**sent, "client_id": name, "client_secret": "x"})
    by_header = await provider.post(path, sent, httpx2.BasicAuth(name.replace("\0", "%00"), "x"))
    assert [by_form.status_code, by_header.status_code] == [401, 401]


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
async def test_strange_answers_of_authenticators(provider: Provider, answer: str) -> None:
    app = await provider.register()
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    refused = await browser.post("/sign-in/passkey", {"hop": hidden(page), "answer": answer})
    assert refused.status_code == 422
    browser = await sign_in(provider, app)
    hop = hidden(await browser.get("/account/factors"))
    refused = await browser.post("/account/passkey", {"hop": hop, "answer": answer, "label": "\0"})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    "attested",
    [
        b"",
        b"\xff",
        b"\x9f" * 4000,
        b"\x81" * 4000,
        b"\xa0",
        b"\xa3cfmtdnonegattStmt\xa0hauthDataA\0",
        b"\x5b" + b"\xff" * 8,
    ],
)
async def test_strange_attestations(provider: Provider, attested: bytes) -> None:
    app = await provider.register()
    await person(provider)
    browser = await sign_in(provider, app)
    page = await browser.get("/account/factors")
    client_data = {"type": "webauthn.create", "challenge": options(page)["challenge"], "origin": provider.parts.issuer}
    answer = _answer(json.dumps(client_data).encode(), attestationObject=_encoded(attested))
    refused = await browser.post("/account/passkey", {"hop": hidden(page), "answer": answer})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    "hint",
    ["x", "..", "a.b.c", DEEP, f"x.{_encoded(b'{}')}.x", f"x.{_encoded(DEEP_CLAIMS)}.x"],
    ids=range(6),
)
async def test_strange_hints(provider: Provider, hint: str) -> None:
    app = await provider.register()
    await person(provider)
    browser = await sign_in(provider, app)
    asked = await browser.post("/end-session", {"id_token_hint": hint, "post_logout_redirect_uri": ""})
    assert asked.status_code == 200  # the person is asked, as without a hint
    refused = await browser.get(app.request(id_token_hint=hint))
    assert refused.headers["location"].startswith(CALLBACK + "?error=invalid_request")


@pytest.mark.parametrize("path", ["/token", "/sign-in", "/authorize", "/end-session"])
async def test_a_form_that_breaks_off_is_no_error_of_ours(provider: Provider, path: str) -> None:
    sent: list[Message] = []
    heard: list[Message] = [
        {"type": "http.request", "body": b"a=", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return heard.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"sec-fetch-site", b"same-origin")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 9000),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    await provider.app(scope, receive, send)
    assert sent[0]["status"] == 400
