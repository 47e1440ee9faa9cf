"""The own pages: the state of a session, its extension, sign-out, and what a person is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from gateway.exchange import Forward
from gateway.routes.route_file import load_route_table
from gateway.sessions.session_check import StoreUnreachable
from tests.gateway.rig import Rig, head, routes_file

ORIGIN = {"origin": "http://shop.localhost:8080"}


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[httpx2.AsyncClient]:
    async with rig.browser() as browser:
        yield browser


async def signed_in(rig: Rig, idle: float = 1800) -> dict[str, str]:
    await rig.project(idle=idle)
    return {"cookie": (await rig.cookie()).decode()}


async def test_the_state_of_a_live_session(rig: Rig, client: httpx2.AsyncClient) -> None:
    cookie = await signed_in(rig, idle=100)
    rig.clock.advance(40)
    answer = await client.get("/.munjigi/session", headers=cookie)
    told = answer.json()
    opaque = {told.pop(name) for name in ("session", "person", "login")}
    assert len(opaque) == 3
    assert not any("kim" in value or "session-1" in value for value in opaque)
    assert told == {
        "state": "live", "left": 60.0, "absolute_left": 43160.0, "idle_for": 1740.0, "ask_before": 300.0,
        "warn_before": 120.0, "warn_after_idle": 0.0, "sensitive": [],
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    # asking is no act (S6)
    session = rig.sessions.cache.live["session-1"]
    assert session.idle_expires_at == rig.clock.timestamp() + 60


async def test_what_a_page_is_told_of_its_zone_and_of_what_is_sensitive(
    rig: Rig, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    file = routes_file(tmp_path)
    text = file.read_text().replace("[zones.reservation]", '[zones.reservation]\nwarn = "after_idle 90"')
    file.write_text(text.replace("act = true", 'act = true\nstep_up = { methods = ["POST"], acr = 2 }'))
    rig.pipeline.use_table(load_route_table(file, runtime=tmp_path, port=8080))
    cookie = await signed_in(rig)
    told = (await client.get("/.munjigi/session", params={"path": "/reservations/7"}, headers=cookie)).json()
    assert (told["warn_before"], told["warn_after_idle"]) == (120.0, 90.0)
    assert told["sensitive"] == [
        {"path": "/acts", "methods": ["POST"], "acr_values": "urn:munjigi:acr:2", "max_age": None, "met": False}
    ]
    told = (await client.get("/.munjigi/session", params={"path": "/\ud55c"}, headers=cookie)).json()
    assert (told["warn_before"], told["warn_after_idle"]) == (120.0, 0.0)


async def test_the_marks_of_a_page_change_with_person_session_and_sign_in(rig: Rig, client: httpx2.AsyncClient) -> None:
    async def marks(secret: str, **token: Any) -> tuple[str, str, str]:
        await rig.project(token.get("sid", "session-1"))
        cookie = (await rig.cookie(secret=secret * 43, **token)).decode()
        told = (await client.get("/.munjigi/session", headers={"cookie": cookie})).json()
        return told["person"], told["session"], told["login"]

    first = await marks("a")
    renewed = await marks("b", jti="another")
    assert renewed == first
    stronger = await marks("d", acr="urn:munjigi:acr:2")
    assert (stronger[:2], stronger[2] != first[2]) == (first[:2], True)
    again = await marks("e", sid="session-2")
    assert (again[0], again[1] != first[1], again[2] != first[2]) == (first[0], True, True)
    other = await marks("f", sid="session-3", sub="lee")
    assert other[0] != first[0]


async def test_the_state_of_nobody(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/.munjigi/session")).json() == {"state": "none", "public": False}
    on_public = await client.get("/.munjigi/session", params={"path": "/assets/mark.svg"})
    assert on_public.json() == {"state": "none", "public": True}
    assert (await client.get("/.munjigi/session/events")).status_code == 204


async def test_an_extension_runs_from_the_moment_of_activity(rig: Rig, client: httpx2.AsyncClient) -> None:
    headers = {**await signed_in(rig, idle=300), **ORIGIN}
    rig.clock.advance(250)
    answer = await client.post("/.munjigi/session/extend", headers=headers, json={"idle_for": 100})
    assert answer.json()["extended"] is True
    assert answer.json()["left"] == 1700.0
    await rig.activity.flush()
    assert await rig.carried() == [{"sid": "session-1", "at": str(int((rig.clock.timestamp() - 100) * 1000))}]


async def test_an_extension_that_cannot_be_written_is_not_promised(
    rig: Rig, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only this gateway knew would be lost with it, and the session would end before the time that was told."""
    headers = {**await signed_in(rig, idle=300), **ORIGIN}
    await client.get("/.munjigi/session", headers=headers)

    async def away(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as without:
        without.setattr(rig.valkey, "xadd", away)
        answer = await client.post("/.munjigi/session/extend", headers=headers, json={"idle_for": 0})
    assert (answer.json()["extended"], answer.json()["left"]) == (False, 300.0)
    assert await rig.carried() == []
    await rig.activity.flush()  # and what was done is not forgotten
    assert len(await rig.carried()) == 1


async def test_a_promised_extension_is_in_the_stream(rig: Rig, client: httpx2.AsyncClient) -> None:
    headers = {**await signed_in(rig, idle=1), **ORIGIN}
    answer = await client.post("/.munjigi/session/extend", headers=headers, json={"idle_for": 0.5})
    assert answer.json()["extended"] is True
    assert await rig.carried() == [{"sid": "session-1", "at": str(int((rig.clock.timestamp() - 0.5) * 1000))}]


async def test_an_extension_whose_body_comes_after_the_end_extends_nothing(
    rig: Rig, client: httpx2.AsyncClient
) -> None:
    headers = {**await signed_in(rig, idle=1), **ORIGIN}

    async def late() -> AsyncIterator[bytes]:
        rig.clock.advance(1)
        yield b'{"idle_for": 0.5}'

    answer = await client.post("/.munjigi/session/extend", headers=headers, content=late())
    assert (answer.json()["extended"], answer.json()["left"]) == (False, 0.0)
    assert await rig.carried() == []


async def test_while_nobody_knows_the_session_it_is_not_called_gone(
    rig: Rig, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Valkey is empty, or being filled: a page would take "none" for a sign-out, and forget what was typed (S7)."""
    monkeypatch.setattr("gateway.sessions.session_check.FILL_ATTEMPTS", 1)
    cookie = await signed_in(rig)
    await client.get("/.munjigi/session", headers=cookie)
    await rig.valkey.flushdb()
    rig.sessions.reset()
    asked = [
        await client.get("/.munjigi/session", headers=cookie),
        await client.get("/.munjigi/session/events", headers=cookie),
        await client.post("/.munjigi/session/extend", headers={**cookie, **ORIGIN}, json={"idle_for": 0}),
    ]
    for answer in asked:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["code"] == "MJ-GATEWAY-213"
    await rig.project()
    assert (await client.get("/.munjigi/session", headers=cookie)).json()["state"] == "live"
    assert (await client.get("/.munjigi/session")).json()["state"] == "none"


async def test_strangers_of_one_address_leave_other_addresses_the_wide_lane(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes = []
    looking_up = rig.cookies._strangers.looking_up
    monkeypatch.setattr(
        rig.cookies._strangers, "looking_up", lambda address: (lanes.append(address), looking_up(address))[1]
    )
    for client_address in ("192.0.2.7", "192.0.2.8"):
        transport = httpx2.ASGITransport(app=rig._own_page, client=(client_address, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop.localhost:8080") as client:
            await client.get("/.munjigi/session", headers={"cookie": f"__Host-munjigi={client_address}"})
    assert lanes == ["192.0.2.7", "192.0.2.8"]


async def test_an_end_is_told_with_the_reference_of_its_answer(rig: Rig, client: httpx2.AsyncClient) -> None:
    cookie = await signed_in(rig)
    await client.get("/.munjigi/session", headers=cookie)
    reading, heard = await read_events(rig, cookie["cookie"])
    await heard.get()
    rig.session_event(state="ended")
    assert (await asyncio.wait_for(heard.get(), 1))[1]["ref"] == "corr-1"
    await reading
    assert (await client.get("/.munjigi/session", headers=cookie)).json()["ref"] == "corr-1"


async def test_old_activity_extends_nothing(rig: Rig, client: httpx2.AsyncClient) -> None:
    headers = {**await signed_in(rig, idle=300), **ORIGIN}
    answer = await client.post("/.munjigi/session/extend", headers=headers, json={"idle_for": 1500})
    assert (answer.json()["extended"], answer.json()["left"]) == (False, 300.0)


async def test_nothing_is_extended_beyond_the_end(rig: Rig, client: httpx2.AsyncClient) -> None:
    headers = {**await signed_in(rig, idle=300), **ORIGIN}
    await client.get("/.munjigi/session", headers=headers)
    rig.clock.advance(300)
    answer = await client.post("/.munjigi/session/extend", headers=headers, json={"idle_for": 0})
    assert (answer.json()["extended"], answer.json()["state"], answer.json()["reason"]) == (False, "ended", "idle")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"idle_for":-1}', b'{"idle_for":"0"}', b'{"idle_for":1e999}', b"x" * 5000]
)
async def test_an_unreadable_extension_extends_nothing(rig: Rig, client: httpx2.AsyncClient, body: bytes) -> None:
    headers = {**await signed_in(rig, idle=300), **ORIGIN}
    answer = await client.post("/.munjigi/session/extend", headers=headers, content=body)
    assert answer.json()["extended"] is False


@pytest.mark.parametrize("path", ["/.munjigi/session/extend", "/.munjigi/sign-out"])
@pytest.mark.parametrize(
    "sent", [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
async def test_other_origins_change_nothing(
    rig: Rig, client: httpx2.AsyncClient, path: str, sent: dict[str, str]
) -> None:
    cookie = await signed_in(rig)
    assert (await client.post(path, headers={**cookie, **sent}, json={"idle_for": 0})).status_code == 403
    assert isinstance(await rig.ask(head(headers=[(b"cookie", cookie["cookie"].encode())])), Forward)


async def read_events(rig: Rig, cookie: str) -> tuple[asyncio.Task[None], asyncio.Queue[tuple[str, dict[str, object]]]]:
    """The stream of one open page, read as it comes."""
    from starlette.requests import Request

    heard: asyncio.Queue[tuple[str, dict[str, object]]] = asyncio.Queue()
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/.munjigi/session/events",
        "headers": [(b"cookie", cookie.encode())],
        "query_string": b"",
        "state": {"correlation_id": "corr-1", "authority": "shop.localhost:8080"},
    }
    response = await rig.status.events(Request(scope))

    async def read() -> None:
        async for chunk in response.body_iterator:  # type: ignore[attr-defined] # a StreamingResponse
            lines = dict(line.split(": ", 1) for line in chunk.decode().splitlines() if ": " in line)
            if "event" in lines:
                heard.put_nowait((lines["event"], msgspec.json.decode(lines["data"])))

    return asyncio.create_task(read()), heard


async def test_an_open_page_is_told_at_once_who_took_over(rig: Rig) -> None:
    cookie = await signed_in(rig)
    reading, heard = await read_events(rig, cookie["cookie"])
    name, state = await heard.get()
    assert (name, state["state"]) == ("session", "live")
    by = {"device": "Galaxy", "browser": "Chrome", "place": "Busan", "ip": "192.0.2.7"}
    rig.session_event(state="ended", ended_by=by)
    name, told = await asyncio.wait_for(heard.get(), 1)
    assert name == "ended"
    assert (told["reason"], told["device"], told["browser"], told["place"]) == ("takeover", "Galaxy", "Chrome", "Busan")
    assert told["at"] == rig.clock.now().isoformat(timespec="seconds")
    assert "ip" not in told
    await reading


ATTEMPT = {"sid": "session-1", "sub": "kim", "outcome": "kept", "device": "Galaxy", "place": "KR", "network": "SK"}


async def test_an_open_page_is_told_of_attempts(rig: Rig) -> None:
    cookie = await signed_in(rig)
    reading, heard = await read_events(rig, cookie["cookie"])
    await heard.get()
    rig.watch.attempted({**ATTEMPT, "at": rig.clock.timestamp()})
    rig.watch.attempted({**ATTEMPT, "sid": "session-2", "at": rig.clock.timestamp()})
    name, told = await asyncio.wait_for(heard.get(), 1)
    assert name == "attempt"
    assert len(str(told.pop("id"))) == 22
    assert told == {
        "state": "attempt", "outcome": "kept", "device": "Galaxy", "browser": "", "place": "KR", "network": "SK",
        "at": rig.clock.now().isoformat(timespec="seconds"),
    }  # fmt: skip
    rig.watch.close()
    await reading
    assert heard.empty(), "nobody hears of the attempts that others face"


async def test_a_page_that_comes_a_moment_later_is_told_of_an_attempt_too(rig: Rig) -> None:
    cookie = await signed_in(rig)
    rig.watch.attempted({**ATTEMPT, "at": rig.clock.timestamp()})
    rig.clock.advance(30)
    reading, heard = await read_events(rig, cookie["cookie"])
    assert {(await heard.get())[0], (await heard.get())[0]} == {"attempt", "session"}
    rig.clock.advance(30)
    later, heard_later = await read_events(rig, cookie["cookie"])
    assert (await heard_later.get())[0] == "session"
    rig.watch.close()
    await asyncio.gather(reading, later)
    assert heard_later.empty()


async def test_an_attempt_that_cannot_be_read_is_refused(rig: Rig) -> None:
    with pytest.raises(msgspec.ValidationError):
        rig.watch.attempted({"sub": "kim"})


async def test_an_extension_is_told_to_all_tabs(rig: Rig, client: httpx2.AsyncClient) -> None:
    headers = {**await signed_in(rig, idle=100), **ORIGIN}
    reading, heard = await read_events(rig, headers["cookie"])
    name, state = await heard.get()
    assert (name, state["left"]) == ("warning", 100.0)
    await client.post("/.munjigi/session/extend", headers=headers, json={"idle_for": 0})
    name, state = await asyncio.wait_for(heard.get(), 1)
    assert (name, state["left"]) == ("session", 1800.0)
    rig.watch.close()
    await asyncio.wait_for(reading, 1)


async def test_a_page_that_comes_back_later_is_told_then(rig: Rig) -> None:
    cookie = await signed_in(rig)
    rig.session_event(state="ended")
    reading, heard = await read_events(rig, cookie["cookie"])
    assert (await heard.get())[0] == "ended"
    await reading


async def test_help_stands_behind_the_gateway_too(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/.munjigi/help")).status_code == 200
    page = await client.get("/.munjigi/help/MJ-SESSION-001?locale=en")
    assert "signed out after a while" in page.text


async def test_whoever_is_signed_in_is_led_on_from_there(rig: Rig, client: httpx2.AsyncClient) -> None:
    cookie = await signed_in(rig)
    response = await client.get("/.munjigi/ended?return_to=/cart", headers=cookie)
    assert (response.status_code, response.headers["location"]) == (302, "/cart")


@pytest.mark.parametrize("path", ["signed-out", "not-me", "sign-out", "ended", "done"])
@pytest.mark.parametrize("locale", ["ko", "en"])
async def test_every_page_stands_in_both_languages(client: httpx2.AsyncClient, path: str, locale: str) -> None:
    page = await client.get(f"/.munjigi/{path}?locale={locale}")
    assert page.status_code == 200
    assert f'<html lang="{locale}">' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_script_and_its_words(client: httpx2.AsyncClient) -> None:
    script = await client.get("/.munjigi/session.js")
    assert script.headers["content-type"].startswith("text/javascript")
    words = (await client.get("/.munjigi/session/texts", headers={"accept-language": "ko"})).json()
    assert words["texts"]["again"] == "다시 로그인하기"
    assert (await client.get(words["stylesheet"])).status_code == 200


async def test_unknown_own_pages_are_not_found(client: httpx2.AsyncClient) -> None:
    for path in ("/.munjigi/", "/.munjigi/nothing", "/.munjigi/assets/nothing.css"):
        assert (await client.get(path)).status_code == 404


async def test_an_open_page_outlives_a_store_that_forgot_its_session(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = await signed_in(rig, idle=600)
    reading, heard = await read_events(rig, cookie["cookie"])
    assert (await heard.get())[0] == "session"

    asked = asyncio.Event()

    async def nothing(sid: str) -> None:
        asked.set()

    monkeypatch.setattr(rig.sessions, "fill", nothing)
    rig.sessions.reset()
    rig.watch.changed("session-1")
    await asyncio.wait_for(asked.wait(), 1)
    await asyncio.sleep(0)
    assert not reading.done()
    rig.session_event(state="ended")
    assert (await asyncio.wait_for(heard.get(), 1))[0] == "ended"
    await reading


async def test_an_open_page_asks_a_store_that_is_away_with_pauses(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = await signed_in(rig, idle=600)
    reading, heard = await read_events(rig, cookie["cookie"])
    await heard.get()
    asked = 0

    async def away(sid: str) -> None:
        nonlocal asked
        asked += 1
        raise StoreUnreachable

    monkeypatch.setattr(rig.sessions, "fill", away)
    rig.clock.advance(600)
    rig.watch.changed("session-1")
    await asyncio.sleep(0.2)
    assert 1 <= asked <= 2
    rig.watch.close()
    await asyncio.wait_for(reading, 2)


async def test_a_database_that_is_away_is_told_as_such(
    rig: Rig, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(rig.sign_ins, "remember", away)
    answer = await client.get("/.munjigi/sign-in")
    assert (answer.status_code, answer.json()["code"]) == (503, "MJ-GATEWAY-213")


async def test_an_own_page_leads_to_no_other_host(client: httpx2.AsyncClient) -> None:
    for path in ("/.munjigi", "/.munjigi/sign-in/"):
        answer = await client.get(path, headers={"host": "shop.localhost:9999"})
        assert (answer.status_code, answer.headers.get("location")) == (404, None)
