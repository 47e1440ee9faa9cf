"""What is asked for most is answered past the layers, and nobody can tell by the answer."""

from __future__ import annotations

import httpx2
import pytest

from config.problem import CORRELATION_HEADER
from config.public_http import WHOLE, Headers
from idp.directly import Directly
from idp.routes import OFTEN
from jose.keys import KeyRing, SigningKey
from tests.idp.browser import Browser
from tests.idp.provider import Provider

DOCUMENTS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks")


def directly(provider: Provider) -> Directly:
    assert isinstance(provider.app, Directly)
    return provider.app


def told(answer: httpx2.Response) -> tuple[int, set[tuple[str, str]], bytes]:
    """All but what is another one each time."""
    headers = {(name, value) for name, value in answer.headers.multi_items() if name != CORRELATION_HEADER.lower()}
    assert len(answer.headers[CORRELATION_HEADER]) == 16
    return answer.status_code, headers, b"" if answer.status_code >= 400 else answer.content


async def test_it_is_what_the_layers_say(provider: Provider) -> None:
    # the same application; its router is reached through all of the layers
    layered = Browser(httpx2.ASGITransport(directly(provider)._app))
    for path in OFTEN:
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            asked = {"Origin": "https://app.example", "Accept": "*/*"}
            answers = [await browser.send(method, path, asked) for browser in (provider.browser(), layered)]
            assert told(answers[0]) == told(answers[1]), (method, path)
    await layered.client.aclose()


async def test_documents_at_hand_are_the_applications_own(provider: Provider) -> None:
    for path in [*DOCUMENTS, DOCUMENTS[0]]:
        answer = await provider.browser().get(path)
        head, _, body = (directly(provider).at_hand(path.encode()) or b"").partition(b"\r\n\r\n")
        fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        kept = {(name, value) for name, value in fields if name != CORRELATION_HEADER.lower()}
        assert (len(fields) - len(kept), kept, body) == (1, told(answer)[1], answer.content)
        assert directly(provider).at_hand(path.encode() + b"?") is None


async def test_keys_at_hand_are_those_that_are_in_force(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    before, key = directly(provider).at_hand(b"/jwks") or b"", SigningKey.generate()
    assert key.kid.encode() not in before
    monkeypatch.setattr(provider.parts.keys, "_ring", KeyRing.of(key))
    assert key.kid.encode() in (directly(provider).at_hand(b"/jwks") or b"")


@pytest.mark.parametrize("taken", [True, False])
async def test_a_whole_answer_is_handed_over_once(provider: Provider, taken: bool) -> None:
    handed: list[tuple[int, Headers, bytes]] = []
    sent: list[dict[str, object]] = []

    def whole(*answer: object) -> bool:
        handed.append(answer)  # type: ignore[arg-type]
        return taken

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/jwks", "headers": [], "extensions": {WHOLE: whole}}
    await directly(provider)(scope, None, send)  # type: ignore[arg-type]
    ((status, headers, body),) = handed
    start = {"type": "http.response.start", "status": status, "headers": headers}
    assert sent == ([] if taken else [start, {"type": "http.response.body", "body": body}])


async def test_a_fault_of_the_page_that_tells_of_a_fault_is_told(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_arguments: object) -> None:
        raise LookupError

    monkeypatch.setattr(directly(provider)._problems, "answer", broken)
    monkeypatch.setattr(provider.parts.keys, "_ring", None)
    answer = await provider.browser().get("/jwks")
    assert (answer.status_code, answer.json()["code"]) == (500, "MJ-WEB-001")
