"""An exchange as a span of OpenTelemetry, by its semantic conventions for HTTP servers (1.23 and later).

Neither queries nor who asked are in it: traces go further than logs. The correlation id leads to both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.exchange import RequestHead
from gateway.telemetry.measured import Exchange, Traced

Span = dict[str, Any]
"""One span in OTLP's JSON (opentelemetry-proto, `trace.proto`)."""
_SERVER = 2
_ERROR = 2


def span_of(traced: Traced, exchange: Exchange, head: RequestHead, seconds: float, now: float) -> Span:
    """The span of an exchange that took so many seconds up to `now` (epoch seconds)."""
    began = now - seconds
    method = head.method.decode("ascii")
    span: Span = {
        "traceId": traced.trace_id,
        "spanId": traced.span_id,
        "name": _name(exchange, head, method),
        "kind": _SERVER,
        "startTimeUnixNano": _nanoseconds(began),
        "endTimeUnixNano": _nanoseconds(now),
        "attributes": list(_attributes(exchange, head, method)),
        "events": [
            {"name": name, "timeUnixNano": _nanoseconds(began + at - exchange.began)}
            for name, at in (("decided", exchange.decided_at), ("upstream answers", exchange.answered_at))
            if at
        ],
        "status": {"code": _ERROR} if exchange.status >= 500 or not exchange.status else {},
    }
    if traced.parent_id:
        span["parentSpanId"] = traced.parent_id
    return span


def _name(exchange: Exchange, head: RequestHead, method: str) -> str:
    name = method if head.route is None else f"{method} {head.route.path}"
    return f"decide {name}" if exchange.asked_by else name


def _attributes(exchange: Exchange, head: RequestHead, method: str) -> Iterator[dict[str, Any]]:
    yield _text("http.request.method", method)
    yield _text("url.scheme", head.scheme)
    yield _text("url.path", head.path.decode("ascii"))
    yield _text("server.address", head.host.decode("ascii"))
    yield _text("munjigi.correlation_id", exchange.correlation_id)
    if exchange.status:
        yield {"key": "http.response.status_code", "value": {"intValue": str(exchange.status)}}
    if exchange.status >= 500 or not exchange.status:
        yield _text("error.type", str(exchange.status or "client_gone"))
    if exchange.asked_by:
        yield _text("munjigi.asked_by", exchange.asked_by)
    if head.effect is not None:
        yield _text("munjigi.effect", head.effect.value)
    if head.route is not None:
        yield _text("http.route", head.route.path)
        yield _text("munjigi.zone", head.route.zone.name)
        yield _text("munjigi.upstream", head.route.upstream)


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _nanoseconds(at: float) -> str:
    """64 bits do not fit into a JSON number, so they go as text."""
    return str(int(at * 1_000_000) * 1000)
