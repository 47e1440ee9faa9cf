"""Spans go to a collector by OTLP over HTTP, in its JSON encoding, in batches beside the way.

https://opentelemetry.io/docs/specs/otlp/: what the collector cannot take at the moment is offered again, what it
refuses is not, and what waits is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec
import structlog

from gateway.rounds import pause
from gateway.telemetry.spans import Span

_log = structlog.get_logger(__name__)

EVERY = 2.0
"""Seconds between two batches, unless one is full before."""
BATCH, MOST_WAITING = 512, 4096
"""Spans."""
_AGAIN = frozenset((429, 502, 503, 504))
_LAST = 2.0
"""Seconds that the last batch may take when the gateway stops."""


class SpanExporter:
    """Of one process. `heard` is called on the event loop and returns at once."""

    def __init__(
        self, endpoint: str, *, http: httpx2.AsyncClient, headers: Mapping[str, str], resource: Mapping[str, str]
    ) -> None:
        """`endpoint`: the whole address, `…/v1/traces`; `resource`: attributes of this process."""
        self._endpoint = endpoint
        self._http = http
        self._headers = {"Content-Type": "application/json", **headers}
        self._resource = [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]
        self._waiting: list[Span] = []
        self._full = asyncio.Event()
        self.exported = 0
        self.dropped = 0

    def heard(self, span: Span) -> None:
        """One more span."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(span)
        if len(self._waiting) >= BATCH:
            self._full.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then what is left, once."""
        while not stop.is_set():
            await pause(EVERY, stop, sooner=self._full)
            self._full.clear()
            while len(self._waiting) >= BATCH and await self.send():
                pass
            await self.send()
        try:
            async with asyncio.timeout(_LAST):
                while self._waiting and await self.send():
                    pass
        except TimeoutError:
            pass
        self.dropped += len(self._waiting)

    async def send(self) -> bool:
        """Send one batch; whether it is off our hands."""
        batch = self._waiting[:BATCH]
        if not batch:
            return True
        scope: dict[str, Any] = {"scope": {"name": "munjigi.gateway"}, "spans": batch}
        body = {"resourceSpans": [{"resource": {"attributes": self._resource}, "scopeSpans": [scope]}]}
        try:
            answer = await self._http.post(
                self._endpoint, content=msgspec.json.encode(body), headers=self._headers, follow_redirects=False
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            _log.warning("spans_not_exported", error=type(error).__name__, waiting=len(self._waiting))
            return False
        if answer.status_code in _AGAIN:
            _log.warning("spans_not_exported", status=answer.status_code, waiting=len(self._waiting))
            return False
        del self._waiting[: len(batch)]
        if answer.is_success:
            self.exported += len(batch)
        else:
            self.dropped += len(batch)
            _log.error("spans_refused", status=answer.status_code, spans=len(batch))
        return True
