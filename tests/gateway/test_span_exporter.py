"""Spans reach a collector by OTLP over HTTP, whatever becomes of the first attempts; what waits is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.serving import serve_application
from gateway.telemetry import otlp
from gateway.telemetry.otlp import BATCH, MOST_WAITING, SpanExporter
from gateway.telemetry.spans import Span
from tests.house import free_port

PATH = "/v1/traces"


class Value(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """`AnyValue` of opentelemetry-proto's `common.proto`, as far as it is used here; 64-bit numbers are text."""

    string_value: str | None = None
    int_value: str | None = None


class KeyValue(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    key: str
    value: Value


class Event(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    time_unix_nano: str
    name: str


class Status(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    code: int = 0


class Sent(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """`Span` of `trace.proto`: ids are hexadecimal in OTLP's JSON."""

    trace_id: str
    span_id: str
    name: str
    kind: int
    start_time_unix_nano: str
    end_time_unix_nano: str
    parent_span_id: str = ""
    attributes: list[KeyValue] = []
    events: list[Event] = []
    status: Status | None = None


class ScopeSpans(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    scope: dict[str, str]
    spans: list[Sent]


class Resource(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    attributes: list[KeyValue]


class ResourceSpans(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    resource: Resource
    scope_spans: list[ScopeSpans]


class Export(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """`ExportTraceServiceRequest`."""

    resource_spans: list[ResourceSpans]


class Collector:
    """A receiver of OTLP over HTTP."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}{PATH}"
        self.answers: list[int] = []
        self.exports: list[Export] = []
        self.headers: list[dict[str, str]] = []
        self.took = asyncio.Event()

    async def take(self, request: Request) -> Response:
        status = self.answers.pop(0) if self.answers else 200
        body = await request.body()
        if status == 200:
            assert request.headers["content-type"] == "application/json"
            self.headers.append(dict(request.headers))
            self.exports.append(msgspec.json.decode(body, type=Export))
            self.took.set()
        return Response(b"{}", status)

    def spans(self) -> list[Sent]:
        return [
            span
            for export in self.exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """One that listens."""
    port = free_port()
    collector, ready, stop = Collector(port), asyncio.Event(), asyncio.Event()
    app = Starlette(routes=[Route(PATH, collector.take, methods=["POST"])])
    serving = asyncio.create_task(serve_application(app, f"127.0.0.1:{port}", ready=ready.set, stop=stop, drain=1))
    await asyncio.wait_for(ready.wait(), 10)
    yield collector
    stop.set()
    await serving


@asynccontextmanager
async def exporting(endpoint: str, **more: Any) -> AsyncIterator[SpanExporter]:
    async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
        yield SpanExporter(endpoint, http=http, headers=more, resource={"service.name": "munjigi-gateway"})


def span(number: int = 1) -> Span:
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "GET /",
        "kind": 2,
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
    }


async def test_a_batch_is_offered_again_until_it_is_taken() -> None:
    async with collecting() as collector, exporting(collector.endpoint, Authorization="Bearer key") as exporter:
        exporter.heard(span())
        collector.answers += [503, 429]
        assert [await exporter.send() for _ in range(3)] == [False, False, True]
        assert [sent.trace_id for sent in collector.spans()] == [f"{1:032x}"]
        assert collector.headers[0]["authorization"] == "Bearer key"
        (resource,) = collector.exports[0].resource_spans
        assert resource.resource.attributes == [KeyValue("service.name", Value("munjigi-gateway"))]
        assert await exporter.send(), "nothing is left"
        assert (len(collector.exports), exporter.exported, exporter.dropped) == (1, 1, 0)


async def test_what_is_refused_is_not_offered_again() -> None:
    async with collecting() as collector, exporting(collector.endpoint) as exporter:
        exporter.heard(span())
        collector.answers += [400]
        assert await exporter.send()
        await exporter.send()
        assert (exporter.exported, exporter.dropped, collector.exports) == (0, 1, [])


async def test_without_a_collector_what_waits_is_bounded() -> None:
    async with exporting(f"http://127.0.0.1:{free_port()}{PATH}") as exporter:
        for number in range(MOST_WAITING + 3):
            exporter.heard(span(number))
        assert not await exporter.send()
        assert exporter.dropped == 3


async def test_a_full_batch_goes_at_once_and_the_rest_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "EVERY", 60.0)
    async with collecting() as collector, exporting(collector.endpoint) as exporter:
        stop = asyncio.Event()
        running = asyncio.create_task(exporter.run(stop))
        for number in range(BATCH):
            exporter.heard(span(number))
        await asyncio.wait_for(collector.took.wait(), 10)
        exporter.heard(span(9999))
        stop.set()
        await asyncio.wait_for(running, 10)
        assert exporter.exported == len(collector.spans()) == BATCH + 1
