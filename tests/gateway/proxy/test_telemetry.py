"""What became of each exchange: counted to the byte, logged with what leads on, traced for whoever is believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from config.client_address import ClientAddresses
from config.entropy import SystemEntropy
from gateway.exchange import Answer, Forward, OwnPage, RequestHead, Verdict
from gateway.proxy.limits import Limits
from gateway.routes.route_table import Mode, Route, RouteTable, Zone
from gateway.telemetry import access_log
from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.exchange_metrics import ExchangeMetrics
from gateway.telemetry.meters import BOUNDS, FOLD_AT, NEVER, Histogram, Meter
from gateway.telemetry.spans import Span
from gateway.telemetry.telemetry import Telemetry
from gateway.telemetry.trace_context import read_traceparent
from gateway.telemetry.tracing import Tracing
from policy.decision import Effect
from tests.clock import FakeClock
from tests.gateway.proxy.rig import OK, Asked, Rig, free_port, holds, rigged, says
from tests.gateway.proxy.test_websocket import opened, switching

GET = b'GET /things?token=secret HTTP/1.1\r\nHost: shop\r\nUser-Agent: a "browser"\r\n\r\n'
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ROUTE = Route("shop:80", "/", Zone("shop"), "origin", Mode.BOTH, websocket=True, public=False, act=False)


def decided(head: RequestHead) -> Verdict:
    """What a pipeline leaves for the log, and what it says."""
    head.route, head.effect = ROUTE, Effect.ALLOW
    if head.path == b"/refused":
        head.effect = Effect.DENY
        return Answer(403, (), b"no")
    return OwnPage() if head.path == b"/own" else Forward("origin")


def telemetry(**more: Any) -> Telemetry:
    told = Telemetry(**more)
    told.use_table(RouteTable((ROUTE,), {}, ()))
    return told


def meter(rig: Rig, route: str = ROUTE.name) -> Meter:
    (found,) = (one for one in rig.door.telemetry.meters() if one.route == route)
    return found


def counts(rig: Rig, effect: Effect | None = Effect.ALLOW, route: str = ROUTE.name) -> dict[str, int]:
    return {str(place): count for place, count in enumerate(meter(rig, route).of(effect)) if count}


@asynccontextmanager
async def counted(folder: Path, **more: Any) -> AsyncIterator[Rig]:
    more = {"telemetry": telemetry(), "pipeline": decided, **more}
    async with rigged(folder, **more) as rig:
        yield rig


async def test_an_exchange_is_counted_to_the_byte_with_its_times(folder: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
    async with counted(folder, behaviour=says(answer)) as rig:
        client = await rig.client()
        post = b"POST /things HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc"
        client.send(GET + post)
        received = 0
        for _ in range(2):
            head = await client.reader.readuntil(b"\r\n\r\n")
            received += len(head) + len(await client.reader.readexactly(5))
        await holds(lambda: counts(rig) == {"2": 2})
        of = meter(rig)
        assert (of.bytes_in, of.bytes_out) == (len(GET + post), received)
        for histogram in (of.decided, of.answered, of.whole):
            assert sum(histogram.counts) == 2
            assert 0 < histogram.sum < 10
        assert of.decided.sum + of.answered.sum <= of.whole.sum


async def test_refusals_own_pages_and_what_cannot_be_read_are_counted(folder: Path) -> None:
    async with counted(folder) as rig:
        assert (await rig.ask(b"GET /refused HTTP/1.1\r\nHost: shop\r\n\r\n")).status == 403
        assert counts(rig, Effect.DENY) == {"4": 1}
        page = await rig.ask(b"GET /own HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert counts(rig) == {"2": 1}
        assert meter(rig).bytes_out > len(page.body)
        client = await rig.client()
        assert (await client.ask(GET)).status == 200
        assert (await client.ask(b"GET /a b HTTP/1.1\r\nHost: shop\r\n\r\n")).status == 400
        assert counts(rig) == {"2": 2}, "not taken for the request before it"
        assert counts(rig, None, "") == {"4": 1}


async def test_a_client_that_goes_and_an_upstream_that_breaks_off_are_told_apart(folder: Path) -> None:
    heard: list[tuple[int, bool]] = []
    told = telemetry(heard=lambda exchange, _head, _seconds, complete: heard.append((exchange.status, complete)))
    async with counted(folder, telemetry=told, behaviour=says()) as rig:
        client = await rig.client()
        client.send(GET)
        await holds(lambda: bool(rig.origin.asked))
        client.writer.transport.abort()
        await holds(lambda: counts(rig) == {"0": 1})
        rig.origin.behaviour = says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal", close=True)
        (await rig.client()).send(GET)
        await holds(lambda: counts(rig) == {"0": 1, "2": 1})
        rig.origin.behaviour = says(OK)
        assert (await rig.ask(GET)).status == 200
        idle = await rig.client()
        await holds(lambda: rig.door.clients == 2)
        idle.writer.transport.abort()
        await holds(lambda: rig.door.clients == 1)
    assert heard == [(0, False), (200, False), (200, True)], "a connection without a request is none"


async def test_a_websocket_is_counted_when_it_is_over_and_not_timed(folder: Path) -> None:
    async with counted(folder, behaviour=switching(b"\x81\x02hi")) as rig:
        client = await opened(rig)
        assert await client.ask_bytes(b"\x81\x82\0\0\0\0hi", 4) == b"\x81\x02hi"
        assert counts(rig) == {}
        client.writer.close()
        await holds(lambda: counts(rig) == {"1": 1})
        assert sum(meter(rig).whole.counts) == 0
        assert meter(rig).bytes_in > 8 + 100


async def test_prometheus_reads_them_by_route_zone_effect_and_status(folder: Path) -> None:
    async with counted(folder) as rig:
        for _ in range(3):
            await rig.ask(GET)
        rig.door.telemetry.use_table(RouteTable((ROUTE,), {}, ()))
        await rig.ask(GET)
        registry = CollectorRegistry()
        registry.register(ExchangeMetrics(rig.door.telemetry.meters, lambda: {"munjigi_spans_dropped": ("Spans", 2)}))
        where = {"route": ROUTE.name, "zone": "shop"}
        for name, labels, value in (
            ("munjigi_requests_total", {**where, "effect": "allow", "status": "2xx"}, 4),
            ("munjigi_request_seconds_bucket", {**where, "le": "+Inf"}, 4),
            ("munjigi_decision_seconds_count", where, 4),
            ("munjigi_first_byte_seconds_count", where, 4),
            ("munjigi_bytes_in_total", where, 4 * len(GET)),
            ("munjigi_spans_dropped_total", {}, 2),
        ):
            assert registry.get_sample_value(name, labels) == value, name


# --- the access log


@pytest.fixture
async def log(folder: Path, clock: FakeClock) -> AsyncIterator[AccessLog]:
    opened = AccessLog(str(folder / "access.log"), share=1, clock=clock)
    yield opened
    if opened._descriptor > 2:
        await opened.close()


async def lines(log: AccessLog, folder: Path, count: int, name: str = "access.log") -> list[dict[str, Any]]:
    """As many as are awaited, once they are written."""
    await holds(lambda: log.written >= count)
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


async def test_each_exchange_has_its_line_without_its_query(folder: Path, log: AccessLog, clock: FakeClock) -> None:
    async with counted(folder, telemetry=telemetry(heard=log.heard)) as rig:
        answer = await rig.ask(GET)
        await rig.ask(b"GET /refused HTTP/1.1\r\nHost: shop\r\n\r\n")
        await rig.ask(b"GET /a b HTTP/1.1\r\nHost: shop\r\n\r\n")
        passed, refused, unread = await lines(log, folder, 3)
    (correlation_id,) = answer.values(b"munjigi-correlation-id")
    assert passed["correlation_id"].encode() == correlation_id
    assert [passed[name] for name in ("method", "host", "path", "route", "zone", "upstream", "effect", "status")] == [
        "GET", "shop", "/things", "shop:80/", "shop", "origin", "allow", 200,
    ]  # fmt: skip
    assert (passed["user_agent"], passed["complete"]) == ('a "browser"', True)
    assert passed["bytes_in"] == len(GET)
    assert 0 < passed["decided_after"] < passed["answered_after"] < passed["seconds"]
    assert abs(passed["at"] - clock.timestamp()) < 10
    assert (refused["effect"], refused["status"], refused["answered_after"]) == ("deny", 403, None)
    assert unread["status"] == 400
    assert "path" not in unread
    assert "secret" not in (folder / "access.log").read_text()
    assert (folder / "access.log").stat().st_mode & 0o7 == 0


async def test_a_share_is_logged_and_everything_that_went_wrong(folder: Path, clock: FakeClock) -> None:
    log = AccessLog(str(folder / "access.log"), share=0.25, clock=clock)
    async with counted(folder, telemetry=telemetry(heard=log.heard)) as rig:
        client = await rig.client()
        for _ in range(8):
            await client.ask(GET)
        await rig.ask(b"GET /refused HTTP/1.1\r\nHost: shop\r\n\r\n")
        found = await lines(log, folder, 3)
    assert [line["status"] for line in found] == [200, 200, 403]
    await log.close()


async def test_a_log_that_is_rotated_goes_on_in_a_new_file(folder: Path, log: AccessLog) -> None:
    async with counted(folder, telemetry=telemetry(heard=log.heard)) as rig:
        await rig.ask(GET)
        first = await lines(log, folder, 1)
        (folder / "access.log").rename(folder / "access.log.1")
        await rig.ask(GET)
        second = await lines(log, folder, 2)
        assert len(await lines(log, folder, 2, "access.log.1")) == 1
    assert len(second) == 1
    assert first[0]["correlation_id"] != second[0]["correlation_id"]


async def test_what_waits_at_the_end_is_written_and_what_is_too_much_is_dropped(
    folder: Path, log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "MOST_WAITING", 2)
    monkeypatch.setattr(access_log, "FLUSH_AFTER", 60)
    async with counted(folder, telemetry=telemetry(heard=log.heard)) as rig:
        for _ in range(3):
            assert (await rig.ask(GET)).status == 200, "nobody waits for a log"
        await holds(lambda: log.dropped == 1)
        await log.close()
        log._descriptor = 1
    assert len((folder / "access.log").read_text().splitlines()) == 2


async def test_a_disk_that_takes_nothing_costs_lines_and_no_exchange(folder: Path, log: AccessLog) -> None:
    async with counted(folder, telemetry=telemetry(heard=log.heard)) as rig:
        (folder / "access.log").unlink()
        (folder / "access.log").mkdir()
        assert (await rig.ask(GET)).status == 200
        await holds(lambda: log.dropped == 1)
        (folder / "access.log").rmdir()
        assert (await rig.ask(GET)).status == 200
        assert len(await lines(log, folder, 1)) == 1


# --- traces


@asynccontextmanager
async def traced(
    folder: Path, clock: FakeClock, *, share: float | None, trusted: bool, **more: Any
) -> AsyncIterator[tuple[Rig, list[Span]]]:
    """A gateway before a peer whom it believes, or not; `share` None: nobody traces."""
    spans: list[Span] = []
    tracing = None
    if share is not None:
        tracing = Tracing(share=share, clock=clock, entropy=SystemEntropy(), heard=spans.append)
    port = free_port()
    addresses = ClientAddresses(["127.0.0.0/8"] if trusted else [])
    async with counted(
        folder, telemetry=telemetry(tracing=tracing), listen=f"127.0.0.1:{port}", addresses=addresses, **more
    ) as rig:
        rig.listen = str(port)
        yield rig, spans


async def asked(rig: Rig, *headers: bytes, path: bytes = b"/things") -> tuple[list[bytes], list[bytes]]:
    """`traceparent` and `tracestate` as they reached the upstream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(rig.listen))
    fields = b"".join([header + b"\r\n" for header in headers])
    writer.write(b"GET %b?q=secret HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n%b\r\n" % (path, fields))
    await reader.read()
    writer.close()
    if path == b"/refused":
        return [], []
    last = rig.origin.asked[-1]
    return last.values(b"traceparent"), last.values(b"tracestate")


async def test_a_stranger_says_nothing_of_traces(folder: Path, clock: FakeClock) -> None:
    sent = (b"Traceparent: " + PARENT, b"tracestate: a=b")
    async with traced(folder, clock, share=None, trusted=False) as (rig, _):
        assert await asked(rig, *sent) == ([], [])
    async with traced(folder, clock, share=0, trusted=False) as (rig, spans):
        first, second = (await asked(rig, *sent))[0], (await asked(rig, *sent))[0]
        assert (await asked(rig, *sent))[1] == []
    assert spans == []
    begun = [read_traceparent(value) for value in (*first, *second)]
    assert [parent is not None and not parent.sampled for parent in begun] == [True, True]
    assert len({value[:35] for value in (*first, *second, PARENT)}) == 3, "each a trace of its own"


async def test_what_a_trusted_peer_says_passes_where_nobody_traces(folder: Path, clock: FakeClock) -> None:
    async with traced(folder, clock, share=None, trusted=True) as (rig, _):
        assert await asked(rig, b"traceparent: " + PARENT, b"tracestate: a=b") == ([PARENT], [b"a=b"])
        assert await asked(rig, b"traceparent: nonsense", b"tracestate: a=b") == ([], [])
        assert await asked(rig, b"traceparent: " + PARENT, b"traceparent: " + PARENT) == ([], [])
        assert await asked(rig, b"traceparent: " + PARENT, b"tracestate: " + b"a" * 513) == ([PARENT], [])


async def test_a_trusted_peers_trace_goes_on_in_a_span_of_ours(folder: Path, clock: FakeClock) -> None:
    async with traced(folder, clock, share=0, trusted=True) as (rig, spans):
        (onward,), states = await asked(rig, b"traceparent: " + PARENT, b"tracestate: a=b")
        await holds(lambda: len(spans) == 1)
        (quiet,), _ = await asked(rig, b"traceparent: " + PARENT[:-2] + b"00")
        assert (quiet[:35], quiet[-2:]) == (PARENT[:35], b"00")
        await asked(rig, b"traceparent: " + PARENT, path=b"/refused")
        await holds(lambda: len(spans) == 2)
    assert states == [b"a=b"]
    assert (onward[:35], onward[-2:]) == (PARENT[:35], b"01")
    passed, refused = spans
    assert passed["traceId"] == refused["traceId"] == PARENT[3:35].decode()
    assert passed["parentSpanId"] == refused["parentSpanId"] == PARENT[36:52].decode()
    assert passed["spanId"].encode() == onward[36:52] != PARENT[36:52]
    assert (passed["name"], passed["kind"]) == ("GET /", 2)
    assert [event["name"] for event in passed["events"]] == ["decided", "upstream answers"]
    assert int(passed["startTimeUnixNano"]) < int(passed["endTimeUnixNano"])
    said = {one["key"]: next(iter(one["value"].values())) for one in passed["attributes"]}
    assert said["munjigi.correlation_id"] == rig.origin.asked[0].values(b"munjigi-correlation-id")[0].decode()
    assert (said["http.route"], said["url.path"], said["http.response.status_code"]) == ("/", "/things", "200")
    assert "secret" not in repr(spans)
    assert {one["key"]: next(iter(one["value"].values())) for one in refused["attributes"]}["munjigi.effect"] == "deny"


@pytest.mark.parametrize(("share", "sampled"), [(0, 0), (0.5, 50), (1, 100)])
async def test_a_share_of_what_begins_here_is_sampled(
    folder: Path, clock: FakeClock, share: float, sampled: int
) -> None:
    async with traced(folder, clock, share=share, trusted=False) as (rig, spans):
        flags = [(await asked(rig))[0][0][-1:] for _ in range(100)]
        assert abs(flags.count(b"1") - sampled) <= 1
        await holds(lambda: len(spans) == flags.count(b"1"))
        assert len({span["traceId"] for span in spans}) == len(spans)
        assert not [span for span in spans if "parentSpanId" in span]


async def test_what_failed_is_an_error(folder: Path, clock: FakeClock) -> None:
    limits = Limits(connect=0.05)
    async with traced(folder, clock, share=1, trusted=False, limits=limits) as (rig, spans):
        await rig.origin.stop()
        rig.origin.asked.append(Asked(b"\r\n\r\n"))
        await asked(rig)
        await holds(lambda: len(spans) == 1)
    assert spans[0]["status"] == {"code": 2}


@pytest.mark.parametrize(
    "value",
    [
        b"", b"00", PARENT[:-1], PARENT + b"-x", b"ff" + PARENT[2:], PARENT.upper(), PARENT.replace(b"0af7", b"0xf7"),
        b"00-" + b"0" * 32 + PARENT[35:], PARENT[:36] + b"0" * 16 + b"-01", b"0" + PARENT,
    ],
)  # fmt: skip
def test_what_is_no_traceparent_names_no_parent(value: bytes) -> None:
    assert read_traceparent(value) is None


def test_what_comes_after_version_0_is_read_as_far_as_it_is_known() -> None:
    later = read_traceparent(b"01" + PARENT[2:-2] + b"03-more")
    assert later is not None
    assert (later.trace_id.encode(), later.sampled) == (PARENT[3:35], True)


def test_the_bounds_rise() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))


@given(st.lists(st.floats(0, 100) | st.sampled_from(BOUNDS[:-1]) | st.just(NEVER), max_size=40))
def test_many_at_once_are_what_each_alone_is(values: list[float]) -> None:
    at_once, known = Histogram(), [value for value in values if value >= 0]
    at_once.observe(tuple(values))
    assert at_once.counts == [
        sum(low < value <= bound for value in known) for low, bound in zip((-1.0, *BOUNDS), BOUNDS, strict=False)
    ]
    assert at_once.sum == pytest.approx(sum(known))


def test_what_waits_to_be_folded_is_bounded() -> None:
    told = telemetry()
    head = RequestHead(b"GET", b"shop", b"/", b"", [], "1.2.3.4", "http", False, "c-1")
    head.route, head.effect = ROUTE, Effect.ALLOW
    exchange = Over()
    for _ in range(FOLD_AT + 1):
        told.ended(exchange, head, True)
    (found,) = (one for one in told._known.values() if one.route == ROUTE.name)
    assert len(found.rows) == 1
    assert (sum(found.decided.counts), found.bytes_in) == (FOLD_AT, 2 * FOLD_AT)


class Over:
    """An exchange as the data path leaves it."""

    began, decided_at, answered_at = 1.0, 1.1, 1.2
    status, bytes_in, bytes_out = 200, 2, 3
    traced = None
    forwarded = True
    correlation_id, peer = "c-1", "1.2.3.4"
