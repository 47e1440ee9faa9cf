"""The telemetry of one gateway, as its settings want it."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2

from config.clock import Clock
from config.entropy import Entropy
from config.health import read_by_prometheus
from config.sections.gateway import GatewaySettings
from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.exchange_metrics import ExchangeMetrics
from gateway.telemetry.otlp import SpanExporter
from gateway.telemetry.telemetry import Telemetry
from gateway.telemetry.tracing import Tracing


@asynccontextmanager
async def open_telemetry(
    settings: GatewaySettings, *, clock: Clock, entropy: Entropy, http: httpx2.AsyncClient
) -> AsyncIterator[Telemetry]:
    """Count, and log and trace where that is wanted, until the context ends; what waits then is written and sent.

    Raises `OSError` where the access log cannot be opened.
    """
    async with AsyncExitStack() as opened:
        log, exporter, tracing = None, None, None
        if settings.access_log is not None:
            log = AccessLog(settings.access_log, share=settings.access_log_share, clock=clock)
            opened.push_async_callback(log.close)
        if settings.trace_endpoint is not None:
            exporter = SpanExporter(
                settings.trace_endpoint,
                http=http,
                headers={name: value.get_secret_value() for name, value in settings.trace_headers.items()},
                resource={
                    "service.name": "munjigi-gateway",
                    "service.instance.id": f"{platform.node()}:{os.getpid()}",
                },
            )
            tracing = Tracing(share=settings.trace_share, clock=clock, entropy=entropy, heard=exporter.heard)
            stop = asyncio.Event()
            exporting = asyncio.create_task(exporter.run(stop))
            opened.push_async_callback(_stopped, stop, exporting)
        telemetry = Telemetry(tracing=tracing, heard=None if log is None else log.heard)

        def counters() -> dict[str, tuple[str, int]]:
            found = {}
            if log is not None:
                found["munjigi_access_log_lines"] = ("Lines of the access log that were written", log.written)
                found["munjigi_access_log_dropped"] = ("Lines that could not be", log.dropped)
            if exporter is not None:
                found["munjigi_spans_exported"] = ("Spans that the collector took", exporter.exported)
                found["munjigi_spans_dropped"] = ("Spans that it did not", exporter.dropped)
            return found

        opened.enter_context(read_by_prometheus(ExchangeMetrics(telemetry.meters, counters)))
        yield telemetry


async def _stopped(stop: asyncio.Event, exporting: asyncio.Task[None]) -> None:
    stop.set()
    await exporting
