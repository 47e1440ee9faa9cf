"""One exchange: what reaches the upstream, what comes back, and who answers when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path

import pytest

from config.client_address import ClientAddresses
from config.problem import Problem
from gateway.exchange import Answer, Forward, OwnPage, RequestHead, Verdict
from gateway.proxy.limits import Limits
from gateway.proxy.problems import UPSTREAM_BUSY
from gateway.routes.upstream import Upstream
from tests.gateway.proxy.rig import OK, Asked, Origin, free_port, rigged, says

GET = b"GET / HTTP/1.1\r\nHost: shop.localhost:8080\r\n"
POST = b"POST / HTTP/1.1\r\nHost: shop.localhost:8080\r\n"


async def test_the_pipeline_sees_a_clean_head_and_the_upstream_too(folder: Path) -> None:
    async with rigged(folder) as rig:
        await rig.ask(
            b"GET /%61?q=%2F HTTP/1.1\r\nHost: Shop.LocalHost.:8080\r\nMunjigi_Assertion: forged\r\n"
            b"X-Real-Ip: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nAccept: */*\r\nConnection: x-secret\r\n"
            b"Connection:\r\nX_Secret: 1\r\nTE: gzip\r\n\r\n"
        )
        head = rig.heads[0]
        assert (head.method, head.host, head.path, head.query) == (b"GET", b"shop.localhost", b"/a", b"q=%2F")
        assert set(head.headers) == {(b"accept", b"*/*"), (b"host", b"Shop.LocalHost.:8080")}
        assert not head.upgrade
        asked = rig.origin.asked[0]
        assert asked.line == b"GET /a?q=%2F HTTP/1.1"
        assert {name for name, _ in asked.headers} == {b"host", b"accept", b"munjigi-correlation-id"}


async def test_identity_that_connection_names_is_still_added(folder: Path) -> None:
    def pipeline(head: RequestHead) -> Verdict:
        return Forward("origin", [(b"munjigi-assertion", b"genuine"), (b"x-forwarded-for", head.client.encode())])

    async with rigged(folder, pipeline=pipeline) as rig:
        await rig.ask(GET + b"Connection: munjigi-assertion, x-forwarded-for\r\nMunjigi-Assertion: forged\r\n\r\n")
        assert rig.origin.asked[0].values(b"munjigi-assertion") == [b"genuine"]
        assert rig.origin.asked[0].values(b"x-forwarded-for") == [b""]


async def test_headers_are_dropped_replaced_and_the_cookie_rewritten(folder: Path) -> None:
    def pipeline(head: RequestHead) -> Verdict:
        return Forward("origin", [(b"x-zone", b"shop")], frozenset({b"authorization"}), b"theirs=1")

    async with rigged(folder, pipeline=pipeline) as rig:
        await rig.ask(
            GET + b"Cookie: ours=1; theirs=1\r\nAuthorization: Bearer x\r\nX-Zone: admin\r\nX_Zone: admin\r\n\r\n"
        )
        asked = rig.origin.asked[0]
        assert asked.values(b"cookie") == [b"theirs=1"]
        assert asked.values(b"authorization") == []
        assert asked.values(b"x-zone") == [b"shop"]
        assert asked.values(b"x_zone") == []


async def test_a_generated_header_that_would_break_the_message_is_not_sent(folder: Path) -> None:
    def pipeline(head: RequestHead) -> Verdict:
        return Forward("origin", [(b"x-name", b"a\r\nx-admin: 1")])

    async with rigged(folder, pipeline=pipeline) as rig:
        assert (await rig.ask(GET + b"\r\n")).status == 500
        assert rig.origin.asked == []


async def test_forwarded_for_is_read_only_from_a_trusted_peer(folder: Path) -> None:
    port = free_port()
    for trusted, client in ((), "127.0.0.1"), (("127.0.0.0/8",), "1.2.3.4"):
        async with rigged(folder, listen=f"127.0.0.1:{port}", addresses=ClientAddresses(trusted)) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GET + b"X-Forwarded-For: 9.9.9.9, 1.2.3.4\r\n\r\n")
            await reader.readuntil(b"ok")
            assert rig.heads[0].client == client
            assert rig.origin.asked[0].values(b"x-forwarded-for") == []
            writer.close()


async def test_an_answer_of_the_pipeline_goes_out_as_it_is(folder: Path) -> None:
    def pipeline(head: RequestHead) -> Verdict:
        return Answer(302, [(b"location", b"/x"), (b"content-length", b"99")], b"go")

    async with rigged(folder, pipeline=pipeline) as rig:
        client = await rig.client()
        answer = await client.ask(GET + b"\r\n")
        assert (answer.status, answer.body, answer.values(b"location")) == (302, b"go", [b"/x"])
        assert answer.values(b"content-length") == [b"2"]
        assert answer.values(b"munjigi-correlation-id") == [rig.heads[0].correlation_id.encode()]
        assert (await client.ask(b"HEAD" + GET[3:] + b"\r\n", without_body=True)).values(b"content-length") == [b"2"]
        assert (await client.ask(GET + b"\r\n")).status == 302


async def test_a_verdict_may_be_awaited(folder: Path) -> None:
    async def later(head: RequestHead) -> Verdict:
        await asyncio.sleep(0.02)
        return Forward("origin")

    async with rigged(folder, pipeline=later) as rig:
        client = await rig.client()
        answer = await client.ask(POST + b"Content-Length: 5\r\n\r\nhello")
        assert answer.status == 200
        assert rig.origin.asked[0].body == b"hello"
        assert (await client.ask(GET + b"\r\n")).status == 200


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(("error", "status"), [(RuntimeError("x"), 500), (Problem(UPSTREAM_BUSY), 503)])
async def test_a_failing_pipeline_lets_nothing_through(
    folder: Path, error: Exception, status: int, awaited: bool
) -> None:
    def pipeline(head: RequestHead) -> Verdict | Awaitable[Verdict]:
        if awaited:
            return fail()
        raise error

    async def fail() -> Verdict:
        raise error

    async with rigged(folder, pipeline=pipeline) as rig:
        answer = await rig.ask(GET + b"\r\n")
        assert answer.status == status
        assert json.loads(answer.body)["correlation_id"] == rig.heads[0].correlation_id
        assert rig.origin.asked == []


async def test_own_pages_get_the_head_that_was_judged(folder: Path) -> None:
    def pipeline(head: RequestHead) -> Verdict:
        return OwnPage({"seen": 1})

    async with rigged(folder, pipeline=pipeline) as rig:
        client = await rig.client()
        answer = await client.ask(
            b"POST /%61 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
        )
        assert (answer.status, answer.body) == (200, b"own /a hi")
        assert answer.values(b"x-state") == [b"{'seen': 1}"]
        assert answer.values(b"munjigi-correlation-id") == [rig.heads[0].correlation_id.encode()]
        assert (await client.ask(GET + b"\r\n")).body == b"own / "


async def test_an_own_page_with_a_large_body_is_read_to_its_end(folder: Path) -> None:
    async with rigged(folder, pipeline=lambda head: OwnPage()) as rig:
        client = await rig.client()
        client.send(POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
        assert len((await client.answer()).body) == 1_000_000 + len(b"own / ")


@pytest.mark.parametrize(
    ("response", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 50\r\n\r\n", 304, b""),
        (b"HTTP/1.1 404 Nope\r\ncontent-length: 0\r\n\r\n", 404, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok"),
    ],
)
async def test_responses_are_passed_on_and_the_connections_kept(
    folder: Path, response: bytes, status: int, body: bytes
) -> None:
    async with rigged(folder, behaviour=says(response)) as rig:
        client = await rig.client()
        for _ in range(3):
            answer = await client.ask(GET + b"\r\n")
            assert (answer.status, answer.body) == (status, body)
        assert rig.origin.connections == 1


@pytest.mark.parametrize("response", [b"HTTP/1.1 200 OK\r\n\r\nok", b"HTTP/1.0 200 OK\r\n\r\nok"])
async def test_a_body_that_ends_with_its_connection_is_sent_in_chunks(folder: Path, response: bytes) -> None:
    async with rigged(folder, behaviour=says(response, close=True)) as rig:
        client = await rig.client()
        for _ in range(2):
            answer = await client.ask(GET + b"\r\n")
            assert (answer.body, answer.values(b"transfer-encoding")) == (b"ok", [b"chunked"])
        assert rig.origin.connections == 2


@pytest.mark.parametrize(
    "head", [b"content-length: 500\r\n", b"transfer-encoding: chunked\r\n", b"", b"content-length: 0\r\n"]
)
async def test_an_answer_to_head_has_no_body_and_keeps_the_connections(folder: Path, head: bytes) -> None:
    async with rigged(folder, behaviour=says(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")) as rig:
        client = await rig.client()
        for _ in range(3):
            answer = await client.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", without_body=True)
            assert answer.status == 200
            assert answer.values(b"content-length") == ([head[16:-2]] if head.startswith(b"content") else [])
        assert rig.origin.connections == 1


async def test_hop_by_hop_fields_of_a_response_stop_here(folder: Path) -> None:
    response = (
        b"HTTP/1.1 200 OK\r\nConnection: x-hop\r\nConnection: keep-alive\r\nX-Hop: 1\r\n"
        b"Keep-Alive: timeout=5\r\nUpgrade: h2c\r\n"
        b"Munjigi-Correlation-Id: forged\r\nSet-Cookie: __Host-munjigi=forged\r\n"
        b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok"
    )
    async with rigged(folder, behaviour=says(response)) as rig:
        answer = await rig.ask(GET + b"\r\n")
        assert answer.values(b"set-cookie") == [b"a=1", b"b=2"]
        assert {name for name, _ in answer.headers} == {b"set-cookie", b"content-length", b"munjigi-correlation-id"}
        assert answer.values(b"munjigi-correlation-id") == [rig.heads[0].correlation_id.encode()]


async def test_a_client_that_expects_to_be_told_is_told_to_continue(folder: Path) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert asked.values(b"expect") == [b"100-continue"]
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(5) == b"hello"
        writer.write(OK)

    async with rigged(folder, behaviour=behave) as rig:
        rig.origin.reads_body = False
        client = await rig.client()
        assert (await client.ask(POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")).status == 100
        assert (await client.ask(b"hello")).status == 200


async def test_the_status_is_told_to_the_log_beside_the_way(folder: Path) -> None:
    seen: list[int] = []
    pipeline = lambda head: Forward("origin", answered=seen.append)  # noqa: E731 - a pipeline on one line
    async with rigged(
        folder, pipeline=pipeline, behaviour=says(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n")
    ) as rig:
        await rig.ask(GET + b"\r\n")
        assert seen == [404]


async def test_connection_close_is_obeyed(folder: Path) -> None:
    async with rigged(folder) as rig:
        client = await rig.client()
        answer = await client.ask(GET + b"Connection: Close\r\n\r\n")
        assert answer.values(b"connection") == [b"close"]
        assert await client.rest() == b""


async def test_an_upgrade_to_anything_but_a_websocket_is_an_ordinary_request(folder: Path) -> None:
    async with rigged(folder) as rig:
        answer = await rig.ask(
            GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
        )
        assert answer.status == 200
        asked = rig.origin.asked[0]
        assert asked.values(b"upgrade") == asked.values(b"connection") == asked.values(b"http2-settings") == []


async def test_a_cookie_of_one_client_never_reaches_another(folder: Path) -> None:
    async with rigged(
        folder, behaviour=says(b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\ncontent-length: 0\r\n\r\n")
    ) as rig:
        for _ in range(2):
            await rig.ask(GET + b"\r\n")
        assert [asked.values(b"cookie") for asked in rig.origin.asked] == [[], []]
        assert rig.origin.connections == 1


async def test_fields_that_were_read_before_are_taken_again_and_others_are_not(folder: Path) -> None:
    same = b"Host: a\r\nX-Two: 2\r\nX_Two: 3\r\n\r\n"
    async with rigged(folder) as rig:
        client = await rig.client()
        for request in (
            b"GET /1 HTTP/1.1\r\n" + same,
            b"DELETE /2?q HTTP/1.1\r\n" + same,
            b"GET /3 HTTP/1.1\r\n" + same.replace(b"2", b"4"),
            b"GET /4 HTTP/1.1\r\n" + same,
            b"POST /5 HTTP/1.1\r\nContent-Length: 1\r\n" + same + b"x",
            b"POST /6 HTTP/1.1\r\nContent-Length: 1\r\n" + same + b"y",
            b"GET /7 HTTP/1.1\r\n" + same,
        ):
            assert (await client.ask(request)).status == 200
        assert [asked.line.split(b" ")[1] for asked in rig.origin.asked] == [
            b"/%d" % n + b"?q" * (n == 2) for n in range(1, 8)
        ]
        assert [asked.values(b"x-two") for asked in rig.origin.asked] == [[b"2"], [b"2"], [b"4"]] + [[b"2"]] * 4
        assert [asked.body for asked in rig.origin.asked] == [b"", b"", b"", b"", b"x", b"y", b""]
        assert len({head.correlation_id for head in rig.heads}) == 7
        client.send(b"GET /8 HTTP/1.0\r\n" + same)
        assert (await client.answer()).values(b"connection") == [b"close"]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /a\x01 HTTP/1.1",
        b"GET /a\t HTTP/1.1",
        b"GET /a\n HTTP/1.1",
        b"GET /a\r HTTP/1.1",
        b"GET  /a HTTP/1.1",
        b"GET /\xc3\xa9 HTTP/1.1",
    ],
)
async def test_a_request_line_is_judged_even_where_the_fields_are_known(folder: Path, line: bytes) -> None:
    async with rigged(folder) as rig:
        client = await rig.client()
        assert (await client.ask(GET + b"\r\n")).status == 200
        answer = await client.ask(line + GET[GET.index(b"\r\n") :] + b"\r\n")
        assert answer.status == 400
        assert len(rig.origin.asked) == 1


async def test_what_one_verdict_drops_another_on_the_same_fields_may_pass(folder: Path) -> None:
    def pipeline(head: RequestHead) -> Verdict:
        return Forward("origin", drop=frozenset({b"authorization", b"host"}) if head.path == b"/drop" else frozenset())

    fields = b" HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n"
    async with rigged(folder, pipeline=pipeline) as rig:
        client = await rig.client()
        for path in (b"/pass", b"/drop", b"/pass", b"/drop"):
            assert (await client.ask(b"GET " + path + fields)).status == 200
        assert [len(asked.values(b"authorization")) for asked in rig.origin.asked] == [1, 0, 1, 0]
        assert [len(asked.headers) for asked in rig.origin.asked] == [3, 1, 3, 1]


async def test_other_upstreams_are_taken_while_running(folder: Path) -> None:
    async with rigged(folder, limits=Limits(upstream_keep_alive=0.05)) as rig:
        client = await rig.client()
        assert (await client.ask(GET + b"\r\n")).status == 200
        former = rig.pool
        other = Origin(folder / "other.sock", says(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother"))
        await other.start()
        rig.door.use_upstreams([Upstream("origin", f"unix:{other.path}")])
        assert (await client.ask(GET + b"\r\n")).body == b"other"
        await asyncio.sleep(0.15)
        assert former not in rig.door.watch.watched
        await other.stop()
