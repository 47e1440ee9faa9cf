"""What proxies ask is counted for itself, logged and traced, by the correlation id that the client is given."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from config.entropy import SystemEntropy
from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.exchange_metrics import ExchangeMetrics
from gateway.telemetry.spans import Span
from gateway.telemetry.telemetry import Telemetry
from gateway.telemetry.tracing import Tracing
from tests.clock import FakeClock
from tests.gateway.doors.conftest import Place, opened
from tests.gateway.doors.proxies import PROXIES, Nginx, Proxy, Request
from tests.gateway.proxy.rig import holds
from tests.gateway.rig import Rig

PUBLIC = Request("/assets/a.css?token=secret")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def log(folder: Path, clock: FakeClock) -> AsyncIterator[AccessLog]:
    written = AccessLog(str(folder / "access.log"), share=1, clock=clock)
    yield written
    await written.close()


@pytest.fixture
def spans() -> list[Span]:
    return []


@pytest.fixture
async def told(rig: Rig, folder: Path, clock: FakeClock, log: AccessLog, spans: list[Span]) -> AsyncIterator[Place]:
    tracing = Tracing(share=0, clock=clock, entropy=SystemEntropy(), heard=spans.append)
    telemetry = Telemetry(tracing=tracing, heard=log.heard)
    telemetry.use_table(rig.pipeline.table)
    async with opened(rig, f"unix:{folder / 'doors.sock'}", telemetry=telemetry) as there:
        yield there


async def lines(log: AccessLog, folder: Path, count: int) -> list[dict[str, Any]]:
    await holds(lambda: log.written >= count)
    return [json.loads(line) for line in (folder / "access.log").read_text().splitlines()]


def counted(place: Place, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(ExchangeMetrics(place.door.telemetry.meters, dict))
    return registry.get_sample_value(name, labels)


@pytest.mark.parametrize("proxy", PROXIES, ids=lambda proxy: proxy.name)
async def test_questions_are_counted_by_who_asked(told: Place, proxy: Proxy) -> None:
    for target in ("/assets/a.css", "/assets/b.css", "/nobody-may"):
        await told.ask(proxy.question(Request(target)))
    public, shop = ({"route": f"shop.localhost:8080{path}", "zone": "shop"} for path in ("/assets", "/"))
    asked_by = {"asked_by": proxy.name}
    passed, led_away = {"effect": "allow", "status": "2xx"}, {"effect": "none", "status": "4xx"}
    assert counted(told, "munjigi_requests_total", **public, **passed, **asked_by) == 2
    assert counted(told, "munjigi_requests_total", **shop, **led_away, **asked_by) == 1
    assert counted(told, "munjigi_decision_seconds_count", **public, **asked_by) == 2
    assert counted(told, "munjigi_decision_seconds_count", **public) is None, "nothing went through the gateway itself"


async def test_a_question_has_its_line_by_the_id_that_the_client_sees(
    told: Place, log: AccessLog, folder: Path
) -> None:
    passed = await told.ask(Nginx().question(PUBLIC))
    await told.ask(Nginx().question(Request("/nobody-may")))
    await told.ask(b"GET /other/assets/a.css HTTP/1.1\r\nHost: shop\r\n\r\n")
    first, refused, no_question = await lines(log, folder, 3)
    assert [first["correlation_id"].encode()] == passed.values(b"munjigi-correlation-id")
    assert [first[name] for name in ("event", "asked_by", "path", "effect", "status", "answered_after")] == [
        "question", "nginx", "/assets/a.css", "allow", 200, None,
    ]  # fmt: skip
    assert (refused["asked_by"], refused["status"], refused["path"]) == ("nginx", 401, "/nobody-may")
    assert (no_question["asked_by"], no_question["status"]) == ("unknown", 404)
    assert "secret" not in (folder / "access.log").read_text()


async def test_a_question_is_a_span_of_its_asker(told: Place, spans: list[Span], log: AccessLog, folder: Path) -> None:
    question = Nginx().question(PUBLIC)
    await told.ask(question)
    assert not spans, "nobody had it recorded"
    await told.ask(question.replace(b"\r\n\r\n", b"\r\ntraceparent: " + PARENT.encode() + b"\r\n\r\n"))
    (span,) = spans
    assert span["traceId"] == PARENT[3:35]
    assert span["parentSpanId"] == PARENT[36:52]
    assert span["name"].startswith("decide GET ")
    attributes = {entry["key"]: entry["value"] for entry in span["attributes"]}
    assert attributes["munjigi.asked_by"] == {"stringValue": "nginx"}
    _, traced = await lines(log, folder, 2)
    assert traced["trace_id"] == PARENT[3:35]
