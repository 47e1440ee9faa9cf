"""What `docs/how-to/follow-a-request.md` promises: from what a person reads to the log, the decision and the trace."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from config.health import health_application
from config.sections.gateway import GatewaySettings
from config.settings import Settings
from tests.docs.test_examples import PROJECT, blocks, defined_by
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, SHOP, Browser, on_free_ports, people, running, shops
from tests.gateway.test_span_exporter import Collector, Sent, collecting

PAGE = PROJECT / "docs" / "how-to" / "follow-a-request.md"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as listening:
        yield listening


@pytest.fixture
async def house(settings: Settings, collector: Collector, tmp_path: Path) -> AsyncIterator[Settings]:
    """A house whose gateway tells everything."""
    there = on_free_ports(settings)
    wanted = {"access_log": str(tmp_path / "access.log"), "trace_endpoint": collector.endpoint, "trace_share": 1.0}
    there = there.model_copy(update={"gateway": there.gateway.model_copy(update=wanted)})
    await people(there)
    async with running(there, RELAY, PROVIDER, shops, GATEWAY):
        yield there


def attributes(span: Sent) -> dict[str, str | None]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


async def test_what_a_person_reads_leads_to_everything(house: Settings, collector: Collector) -> None:
    page, browser = defined_by(PAGE), Browser(house)
    shown = await browser.sign_in(await browser.go(SHOP + "/"), "alice")
    assert shown.status_code == 200
    told = shown.json()["headers"]
    # alice is no administrator
    refused = await browser.client(SHOP).get(
        "http://console.localhost:8080/api/policy/versions?q=secret",
        headers={**browser.headers(SHOP), "Accept": "text/html", "Host": "console.localhost:8080"},
    )
    assert refused.status_code == 403
    read = refused.headers["munjigi-correlation-id"]
    assert read in refused.text, "a person reads it"
    assert told["munjigi-correlation-id"] == shown.headers["munjigi-correlation-id"], "so does the service"
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=health_application("gateway", {})), base_url="http://health"
    ) as health:
        metrics = (await health.get("/metrics")).text
    assert re.search(
        r'munjigi_requests_total\{effect="deny",route="console.localhost:8080/api/policy",status="4xx"', metrics
    )
    assert "munjigi_client_connections" in metrics
    named = set(re.findall(r"`(munjigi_\w+?)(?:_total)?`", PAGE.read_text(encoding="utf-8")))
    assert {name for name in named if name not in metrics} == set()
    await browser.close()

    log = Path(house.gateway.access_log or "")
    async with asyncio.timeout(10):
        while not (found := list(page["in_access_log"](log, read))):  # noqa: ASYNC110 - written beside the way
            await asyncio.sleep(0.02)
        while len(collector.spans()) < 2 or not _span(collector, read):  # noqa: ASYNC110 - sent beside the way
            await asyncio.sleep(0.02)
    (line,) = found
    (decision,) = page["decisions"](house.var, read)
    span = _span(collector, read)
    assert span is not None
    assert (line["status"], line["effect"], line["path"]) == (403, "deny", "/api/policy/versions")
    assert (line["sub"], line["sid"]) == (decision["sub"], decision["sid"])
    assert (decision["effect"], decision["reasons"]) == ("deny", ["no_rule"])
    assert span.trace_id == line["trace_id"]
    assert attributes(span)["http.response.status_code"] == "403"
    assert "secret" not in repr((found, decision))

    upstream = _span(collector, shown.headers["munjigi-correlation-id"])
    assert upstream is not None
    assert told["traceparent"] == f"00-{upstream.trace_id}-{upstream.span_id}-01", "the service's span is its child"


def _span(collector: Collector, correlation_id: str) -> Sent | None:
    return next(
        (span for span in collector.spans() if attributes(span)["munjigi.correlation_id"] == correlation_id), None
    )


def test_its_settings_are_settings() -> None:
    ((_, shown),) = blocks(PAGE, "toml")
    assert GatewaySettings(**tomllib.loads(shown)["gateway"]).trace_share == GatewaySettings().trace_share
