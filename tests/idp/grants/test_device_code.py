"""The device grant (RFC 8628): from the code on a screen to tokens of the session of whoever allowed it."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.entropy import SystemEntropy
from idp.clients.metadata import ClientMetadata
from idp.grants.device_code import DEVICE_CODE
from idp.grants.user_code import LENGTH, LETTERS, new_user_code, shown, typed
from idp.storage import protocol_sweep
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive, Resident, hidden
from tests.idp.grants.programs import change, claims
from tests.idp.login_pages.test_sign_in import kinds
from tests.idp.provider import App, Provider
from tests.idp.waiting import OpenDatabase
from tests.pages.qr_codes import encodes


@pytest.fixture
async def tv(provider: Provider) -> App:
    """A public client on a device."""
    tv = await provider.register("tv", auth_method="none")
    await change(provider, tv, grant_types=(DEVICE_CODE, "refresh_token"), redirect_uris=())
    return tv


async def begin(provider: Provider, tv: App, **form: str) -> dict[str, Any]:
    answer = await provider.post("/device_authorization", {"client_id": tv.client_id, **form})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


async def poll(provider: Provider, tv: App, begun: dict[str, Any]) -> httpx2.Response:
    return await provider.token(tv, grant_type=DEVICE_CODE, device_code=begun["device_code"])


async def error(provider: Provider, tv: App, begun: dict[str, Any]) -> str:
    answer = await poll(provider, tv, begun)
    assert answer.status_code == 400
    return str(answer.json()["error"])


async def answer(mina: Resident, begun: dict[str, Any], decision: str = "allow") -> httpx2.Response:
    """Open the address that the device shows, and answer."""
    page = await mina.get(begun["verification_uri_complete"].removeprefix(mina.provider.parts.issuer))
    assert page.status_code == 200, page.text
    return await mina.post("/device", hop=hidden(page), user_code=hidden(page, "user_code"), decision=decision)


async def test_a_resource_is_granted_as_it_was_asked_for(provider: Provider, tv: App, arrive: Arrive) -> None:
    there = "https://api.example/"
    await change(provider, tv, metadata=ClientMetadata(resources=(there,)))
    mina = await arrive()
    begun = await begin(provider, tv, resource=there)
    await answer(mina, begun)
    tokens = (await poll(provider, tv, begun)).json()
    assert claims(provider, tokens["access_token"])["aud"] == there
    form = {"client_id": tv.client_id, "resource": "https://elsewhere.example/"}
    refused = await provider.post("/device_authorization", form)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")


async def test_a_device_that_cannot_draw_asks_for_the_picture(provider: Provider, tv: App, arrive: Arrive) -> None:
    assert "verification_uri_qr_code" not in await begin(provider, tv)
    mina, begun = await arrive(), await begin(provider, tv, qr_code="svg")
    assert encodes(begun["verification_uri_qr_code"], begun["verification_uri_complete"])
    assert not encodes(begun["verification_uri_qr_code"], begun["verification_uri"])
    answer = await provider.post("/device_authorization", {"client_id": tv.client_id, "qr_code": "svg"})
    assert answer.headers["cache-control"] == "no-store"
    page = await mina.get(f"/device?user_code={begun['user_code']}")
    assert encodes(_picture(page), begun["verification_uri_complete"]), "a phone goes on with this very code"
    stranger = await provider.browser("10.0.0.8").get("/device")
    for plain in (await mina.get("/device"), stranger):
        assert encodes(_picture(plain), begun["verification_uri"])
    unknown = await mina.get("/device?user_code=BBBB-BBBB")
    assert encodes(_picture(unknown), begun["verification_uri"]), "what was typed is drawn for nobody"


def _picture(page: httpx2.Response) -> str:
    return html.unescape(re.findall(r'class="qr" src="([^"]+)"', page.text)[0])


async def test_a_device_joins_the_session_of_whoever_allows_it_and_ends_with_it(
    provider: Provider,
    tv: App,
    arrive: Arrive,
    database: OpenDatabase,
) -> None:
    mina = await arrive()
    begun = await begin(provider, tv)
    assert begun["verification_uri"] == "http://localhost:9000/device"
    assert begun["verification_uri_complete"].endswith(f"/device?user_code={begun['user_code']}")
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert await error(provider, tv, begun) == "authorization_pending"
    page = await mina.get(f"/device?user_code={begun['user_code'].lower().replace('-', '+')}")
    assert "the app" in page.text
    assert begun["user_code"] in page.text
    done = await answer(mina, begun)
    assert "Your device is signed in" in done.text
    assert (await kinds(provider, database))[-1] == "device_allowed"
    tokens = (await poll(provider, tv, begun)).json()
    session = await mina.session()
    assert session is not None
    said = claims(provider, tokens["access_token"])
    assert (said["sid"], said["sub"], said["client_id"]) == (session.sid, str(mina.id), "tv")
    assert claims(provider, tokens["id_token"])["sid"] == session.sid
    assert (await provider.refresh(tv, tokens["refresh_token"])).status_code == 200
    assert await error(provider, tv, begun) == "invalid_grant"  # once, and never again
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end(tx, session.sid, "sign_out", correlation_id="test")
    assert (await provider.refresh(tv, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_refused_is_refused_and_nobody_takes_a_word_back(
    provider: Provider,
    tv: App,
    arrive: Arrive,
) -> None:
    mina = await arrive()
    begun = await begin(provider, tv)
    page = await mina.get(f"/device?user_code={begun['user_code']}")
    form = {"hop": hidden(page), "user_code": begun["user_code"]}
    assert "Nothing was signed in" in (await mina.post("/device", **form, decision="refuse")).text
    assert (await mina.post("/device", **form, decision="allow")).status_code == 404
    assert await error(provider, tv, begun) == "access_denied"


async def test_whoever_asks_too_often_must_ask_less_often(provider: Provider, tv: App, clock: FakeClock) -> None:
    begun = await begin(provider, tv)
    said = [await error(provider, tv, begun)]
    for seconds in (4.9, 9.9, 15, 15):  # 5, then 10, then 15 seconds are asked for
        clock.advance(seconds)
        said.append(await error(provider, tv, begun))
    assert said == ["authorization_pending", "slow_down", "slow_down", "authorization_pending", "authorization_pending"]


async def test_time_runs_out(
    provider: Provider,
    tv: App,
    arrive: Arrive,
    clock: FakeClock,
) -> None:
    mina = await arrive()
    begun = await begin(provider, tv)
    clock.advance(600)
    assert (await mina.get(f"/device?user_code={begun['user_code']}")).status_code == 404
    assert await error(provider, tv, begun) == "expired_token"
    async with provider.parts.database.begin() as tx:
        await protocol_sweep.sweep(tx, clock.now())
    assert await error(provider, tv, begun) == "expired_token"
    clock.advance(3601)
    async with provider.parts.database.begin() as tx:
        await protocol_sweep.sweep(tx, clock.now())
    assert await error(provider, tv, begun) == "invalid_grant"


async def test_what_does_not_fit_is_refused_and_burns_nothing(
    provider: Provider,
    tv: App,
    arrive: Arrive,
) -> None:
    mina = await arrive()
    other = await provider.register("radio", auth_method="none")
    await change(provider, other, grant_types=(DEVICE_CODE,))
    begun = await begin(provider, tv, scope="openid")
    await answer(mina, begun)
    assert await error(provider, other, begun) == "invalid_grant"
    assert await error(provider, tv, {"device_code": "made up"}) == "invalid_grant"
    assert await error(provider, tv, {"device_code": ""}) == "invalid_request"
    two = await asyncio.gather(*(poll(provider, tv, begun) for _ in range(3)))
    assert sorted(one.status_code for one in two) == [200, 400, 400]
    web = await provider.register("web")
    for refused, code in (
        (await provider.post("/device_authorization", {"client_id": "tv", "scope": "openid more"}), "invalid_scope"),
        (await provider.post("/device_authorization", {"client_id": "nobody"}), "invalid_client"),
        (
            await provider.post("/device_authorization", {"client_id": "tv", "authorization_details": "[]"}),
            "invalid_authorization_details",
        ),
        (await provider.post("/device_authorization", {"scope": "openid"}), "invalid_client"),
        (
            await provider.post(
                "/device_authorization", {"scope": "openid"}, httpx2.BasicAuth("web", web.secret or "")
            ),
            "unauthorized_client",
        ),
    ):
        assert refused.json()["error"] == code


async def test_a_session_that_ended_between_word_and_question_gives_nothing(
    provider: Provider,
    tv: App,
    arrive: Arrive,
) -> None:
    mina = await arrive()
    begun = await begin(provider, tv)
    await answer(mina, begun)
    session = await mina.session()
    assert session is not None
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end(tx, session.sid, "takeover", correlation_id="test")
    assert await error(provider, tv, begun) == "invalid_grant"


async def test_word_and_question_at_once(
    provider: Provider,
    tv: App,
    arrive: Arrive,
) -> None:
    """Both take the row before the session: neither waits in a circle, and the word counts."""
    mina = await arrive()
    begun = await begin(provider, tv)
    asked = [poll(provider, tv, begun) for _ in range(4)]
    _, *answers = await asyncio.gather(answer(mina, begun), *asked)
    assert {one.status_code for one in answers} <= {200, 400}
    if 200 not in {one.status_code for one in answers}:
        assert (await poll(provider, tv, begun)).status_code == 200


async def test_strangers_learn_of_no_code_and_are_led_back_after_signing_in(
    provider: Provider,
    tv: App,
    arrive: Arrive,
) -> None:
    begun = await begin(provider, tv)
    browser = provider.browser("203.0.113.9")
    there, made_up = [await browser.get(f"/device?user_code={code}") for code in (begun["user_code"], "BBBB-BBBB")]
    assert there.status_code == made_up.status_code == 303
    assert there.headers["location"] == f"/account/sign-in?to=%2Fdevice%3Fuser_code%3D{begun['user_code']}"
    back = await browser.get(f"/account/back?state=%2Fdevice%3Fuser_code%3D{begun['user_code']}")
    assert back.headers["location"] == f"/device?user_code={begun['user_code']}"
    forged = await browser.post("/device", {"user_code": begun["user_code"], "decision": "allow"})
    assert forged.status_code in (401, 403)
    mina = await arrive()
    crossed = await mina.post("/device", hop="made up", user_code=begun["user_code"], decision="allow")
    assert crossed.status_code == 403
    assert await error(provider, tv, begun) == "authorization_pending"


async def test_guesses_are_counted(provider: Provider, tv: App, arrive: Arrive) -> None:
    mina = await arrive()
    begun = await begin(provider, tv)
    for _ in range(10):
        assert (await mina.get("/device?user_code=BBBB-BBBB")).status_code == 404
    page = await mina.get(f"/device?user_code={begun['user_code']}")
    assert page.status_code == 429
    assert "Retry-After" in page.headers


def test_codes_are_of_the_letters_that_make_no_words() -> None:
    codes = {new_user_code(SystemEntropy()) for _ in range(2000)}
    assert len(codes) == 2000
    assert {len(code) for code in codes} == {LENGTH}
    assert {letter for code in codes for letter in code} == set(LETTERS)


@given(st.text(alphabet=LETTERS, min_size=LENGTH, max_size=LENGTH), st.sampled_from(("{}", " {} ", "{}.", "-{}")))
def test_a_code_is_read_however_it_is_typed(code: str, how: str) -> None:
    assert typed(how.format(shown(code))) == code
    assert typed(how.format(shown(code).lower())) == code


@given(st.text())
def test_whatever_is_typed_is_a_code_or_none(text: str) -> None:
    found = typed(text)
    assert found is None or (len(found) == LENGTH and set(found) <= set(LETTERS))
