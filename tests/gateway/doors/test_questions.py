"""What a door takes for a question, and of whom."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable
from pathlib import Path

import pytest

from gateway.exchange import RequestHead, Verdict
from gateway.inbound.header_hygiene import _OURS_EXACTLY
from gateway.proxy.limits import Limits
from gateway.proxy.turns import _EACH_TURN, REQUEST
from tests.gateway.doors.conftest import Place, opened
from tests.gateway.doors.proxies import READY, Nginx, Request, Traefik
from tests.gateway.proxy.rig import Answered, free_port, holds
from tests.gateway.rig import Rig

FIELDS = b"Host: shop.localhost\r\nX-Forwarded-For: 192.0.2.7\r\n"
PUBLIC = b"GET /nginx/assets/a.css HTTP/1.1\r\n" + FIELDS + b"\r\n"


def code(answer: Answered) -> str:
    fields = dict(answer.headers)
    return str(json.loads(fields.get(b"munjigi-problem") or answer.body)["code"])


async def test_the_question_that_the_others_are_told_apart_from_passes(place: Place) -> None:
    assert (await place.ask(PUBLIC)).status == 200


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (b"GET /other/assets/a.css HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-161"),
        (b"GET /assets/a.css HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-161"),
        (b"GET / HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-161"),
        (b"GET /nginxx/assets/a.css HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-161"),
        (b"GET /nginx HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-102"),
        (b"GET /haproxy HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-106"),
        (b"GET /haproxy/GET HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-210"),
        (b"GET /traefik/assets/a.css HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-106"),
        (b"GET /nginx/assets/a.css HTTP/1.1\r\nHost: shop.localhost\r\n", "MJ-GATEWAY-162"),
        (b"GET /nginx/assets/a.css HTTP/1.1\r\nHost: shop.localhost\r\nX-Forwarded-For: unix:\r\n", "MJ-GATEWAY-162"),
        (b"GET /nginx/assets/a.css HTTP/1.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "MJ-GATEWAY-162"),
        (b"GET /nginx/assets/a.css HTTP/1.1\r\nHost: console.localhost\r\n" + FIELDS, "MJ-GATEWAY-162"),
        (b"GET /nginx/assets/a.css HTTP/1.1\r\nContent-Length: 5\r\n" + FIELDS, "MJ-GATEWAY-101"),
        (b"GET /nginx/assets/a.css HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + FIELDS, "MJ-GATEWAY-101"),
        (b"GET /nginx/assets/a.css HTTP/1.1\r\nConnection: x-forwarded-for\r\n" + FIELDS, "MJ-GATEWAY-101"),
        (b"GET /nginx/assets/a.css HTTP/1.1\r\nX: a\r\n b\r\n" + FIELDS, "MJ-GATEWAY-101"),
        (b"GET /nginx/assets/a.css HTTP/2.0\r\n" + FIELDS, "MJ-GATEWAY-101"),
        (b"GET /nginx/a b HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-101"),
        (b"GET /nginx/" + b"a" * 9000 + b" HTTP/1.1\r\n" + FIELDS, "MJ-GATEWAY-104"),
        (b"GET /nginx/ HTTP/1.1\r\nX: " + b"a" * 33000 + b"\r\n" + FIELDS, "MJ-GATEWAY-103"),
        (b"GET /nginx/ HTTP/1.1\r\n" + b"X: a\r\n" * 101 + FIELDS, "MJ-GATEWAY-103"),
    ],
)
async def test_what_is_no_sound_question_passes_nothing(place: Place, question: bytes, expected: str) -> None:
    client = await place.client()
    client.send(question + b"\r\n")
    answer = await client.answer()
    assert answer.status >= 400
    assert code(answer) == expected


@pytest.mark.parametrize("twice", ["X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Host"])
async def test_fields_that_decide_stand_once(place: Place, twice: str) -> None:
    question = Traefik().question(Request("/assets/a.css"))
    assert (await place.ask(question)).status == 200
    doubled = re.sub(rf"({twice}: .*\r\n)".encode(), rb"\1\1", question)
    missing = re.sub(rf"{twice}: .*\r\n".encode(), b"", question)
    for wrong in (doubled, missing):
        answer = await place.ask(wrong)
        assert code(answer) in ("MJ-GATEWAY-162", "MJ-GATEWAY-106", "MJ-GATEWAY-102")


async def test_a_question_does_not_borrow_what_another_said(place: Place) -> None:
    """Header fields that repeat are read once, for the same door and version alone."""
    client = await place.client()
    rest = PUBLIC.partition(b"\r\n")[2]
    assert (await client.ask(PUBLIC)).status == 200
    assert (await client.ask(b"GET /traefik HTTP/1.1\r\n" + rest)).status == 405
    assert (await client.ask(PUBLIC)).status == 200
    answer = await client.ask(b"GET /nginx/products HTTP/1.1\r\n" + rest)
    assert code(answer) == "MJ-GATEWAY-210"
    assert await client.ask_bytes(PUBLIC.replace(b"HTTP/1.1", b"HTTP/1.0"), 15) == b"HTTP/1.1 200 OK"
    assert b"connection: close\r\n" in await client.rest()


async def test_nginx_keeps_its_connection_whatever_it_is_told(place: Place) -> None:
    client = await place.client()
    for request in (Request(), Request("/a%2fb"), Request("/assets/a.css"), Request(host="nowhere.localhost")):
        answer = await client.ask(Nginx().question(request))
        assert answer.status in (200, 401, 403)
        assert answer.values(b"content-length") == [b"0"]
        assert answer.values(b"connection") == []


async def test_a_head_is_answered_without_a_body(place: Place) -> None:
    client = await place.client()
    question = b"HEAD /envoy/products HTTP/1.1\r\n" + FIELDS + b"\r\n"
    for _ in range(2):
        answer = await client.ask(question, without_body=True)
        assert answer.status == 401
        assert answer.values(b"content-length") != [b"0"]


async def test_nothing_behind_an_unsound_question_is_read(place: Place) -> None:
    client = await place.client()
    client.send(b"GET /nginx/assets/a.css HTTP/1.1\r\nContent-Length: 80\r\n" + FIELDS + b"\r\n" + PUBLIC)
    assert (await client.answer()).status == 400
    assert await client.rest() == b""
    assert place.rig.heard.records == []


async def test_pieces_of_a_question_are_put_together(place: Place) -> None:
    client = await place.client()
    for end in range(0, len(PUBLIC) - 20, 20):
        client.send(PUBLIC[end : end + 20])
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.ask(PUBLIC[end + 20 :])).status == 200


async def test_strangers_are_not_answered(rig: Rig) -> None:
    for peers, status in ((("192.0.2.0/24",), 403), ((), 403), (("127.0.0.1/32",), 200), (None, 200)):
        async with opened(rig, f"127.0.0.1:{free_port()}", peers=peers) as place:
            client = await place.client()
            if status == 403:
                assert code(await client.answer()) == "MJ-GATEWAY-160"
                assert await client.rest() == b""
            else:
                assert (await client.ask(PUBLIC)).status == status


async def test_before_the_proxy_that_asks_others_count_where_they_are_trusted(rig: Rig) -> None:
    forwarded = PUBLIC.replace(b"192.0.2.7", b"203.0.113.9, 198.51.100.4, 192.0.2.7")
    async with opened(rig, f"127.0.0.1:{free_port()}") as place:
        assert (await place.ask(forwarded)).status == 200
        assert rig.heard.records[-1]["address"] == "192.0.2.7"
    async with opened(rig, f"127.0.0.1:{free_port()}", trusted=("192.0.2.0/24",)) as place:
        assert (await place.ask(forwarded)).status == 200
        assert rig.heard.records[-1]["address"] == "198.51.100.4"


async def test_a_decision_that_takes_too_long_is_a_refusal(
    rig: Rig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = asyncio.Event()

    async def wait() -> Verdict:
        await never.wait()
        raise AssertionError

    def undecided(_: RequestHead) -> Awaitable[Verdict]:
        return wait()

    async with opened(rig, f"unix:{folder / 'd.sock'}", limits=Limits(decide=0.02, drain=0.05)) as place:
        place.door.pipeline = undecided
        answer = await place.ask(PUBLIC)
        assert (answer.status, code(answer)) == (403, "MJ-GATEWAY-121")
        gone = await place.client()  # a proxy that goes away takes the question with it
        gone.send(PUBLIC)
        await holds(lambda: bool(place.door.tasks))
        gone.writer.transport.abort()
        await holds(lambda: not place.door.tasks)


async def test_what_is_being_decided_is_answered_before_the_end(rig: Rig, folder: Path) -> None:
    decided, pipeline = asyncio.Event(), rig.pipeline

    async def later(head: RequestHead) -> Verdict:
        await decided.wait()
        verdict = pipeline(head)
        assert not isinstance(verdict, Awaitable)
        return verdict

    async with asyncio.timeout(10):
        async with opened(rig, f"unix:{folder / 'd.sock'}") as place:
            place.door.pipeline = later
            idle, client = await place.client(), await place.client()
            client.send(PUBLIC)
            await holds(lambda: bool(place.door.tasks))
            place.clients.clear()  # they stay open while the doors are shut
            reading = asyncio.create_task(client.answer())
            asyncio.get_running_loop().call_later(0.01, decided.set)
        answer = await reading
        assert (answer.status, answer.values(b"connection")) == (200, [b"close"])
        assert await idle.rest() == b""
        assert await client.rest() == b""
        idle.writer.close()
        client.writer.close()


async def test_time_for_half_a_question_is_bounded(rig: Rig, folder: Path) -> None:
    async with opened(rig, f"unix:{folder / 'd.sock'}", limits=Limits(head_time=0.02, keep_alive=0.02)) as place:
        half, idle = await place.client(), await place.client()
        half.send(PUBLIC[:30])
        assert code(await half.answer()) == "MJ-GATEWAY-107"
        assert await idle.rest() == b""


def test_the_ready_nginx_lets_none_of_our_names_through() -> None:
    blanked = re.findall(r"proxy_set_header ([\w-]+) ", (READY / "nginx.conf").read_text())
    assert {name.decode() for name in _OURS_EXACTLY} <= {name.lower() for name in blanked}
    assert "cache" not in re.sub(r"#.*", "", (READY / "nginx.conf").read_text()).replace("Cache-Control", "")


async def test_questions_beyond_what_a_turn_takes_wait_for_the_next_in_order(place: Place) -> None:
    turns, asked = place.door.turns, 3 * _EACH_TURN // REQUEST
    client, other = await place.client(), await place.client()
    assert (await client.ask(PUBLIC)).status == 200
    turns.left = 0
    client.send(PUBLIC * asked)
    other.send(PUBLIC)
    for _ in range(asked):
        assert (await client.answer()).status == 200
    assert (await other.answer()).status == 200
    assert 0 <= turns.left < _EACH_TURN, "each turn was renewed, and every question taken of one"
