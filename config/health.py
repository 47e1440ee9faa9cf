"""Whether a process is well: told on a unix socket of its own, never on a public port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from config.serving import serve_application
from config.settings import Settings

Check = Callable[[], Awaitable[object]]
"""Returns when an engine answers, raises when it does not."""
PATIENCE = 2.0
"""Seconds that an engine has to answer."""


_published: dict[str, tuple[str, Callable[[], bytes]]] = {}


def publish(path: str, media_type: str, document: Callable[[], bytes]) -> Callable[[], None]:
    """Show a document of this process on its health socket, until what is returned is called."""
    _published[path] = (media_type, document)

    def withdraw() -> None:
        _published.pop(path, None)

    return withdraw


_beside: dict[str, Check] = {}


def tell_of(name: str, check: Check) -> Callable[[], None]:
    """Show in `/readyz` how something stands without which this process still serves, until what is returned is called.

    Whether the process is ready does not hang on it: what all nodes read from one disk would take all of them away.
    """
    _beside[name] = check

    def withdraw() -> None:
        _beside.pop(name, None)

    return withdraw


@contextmanager
def read_by_prometheus(*collectors: Collector) -> Iterator[None]:
    """They are asked as long as the context lasts."""
    for collector in collectors:
        REGISTRY.register(collector)
    try:
        yield
    finally:
        for collector in collectors:
            REGISTRY.unregister(collector)


def health_application(service: str, checks: Mapping[str, Check]) -> ASGIApp:
    """`/healthz` (alive), `/readyz` (each engine answers; 503 otherwise), `/metrics` (Prometheus), and what was given
    to `publish`."""

    async def healthz(_request: Request) -> Response:
        return _line({"service": service, "alive": True})

    async def readyz(_request: Request) -> Response:
        told = {**checks, **_beside}
        found = dict(zip(told, await asyncio.gather(*(_answers(check) for check in told.values())), strict=True))
        ready = all(found[name] for name in checks)
        return _line({"service": service, "ready": ready, **found}, 200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def published(request: Request) -> Response:
        found = _published.get(request.url.path)
        if found is None:
            return Response(status_code=404)
        return Response(found[1](), media_type=found[0])

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Router([*routes, Route("/{name}", published)])


async def serve_health(settings: Settings, service: str, checks: Mapping[str, Check], stop: asyncio.Event) -> None:
    """Serve `run/<service>.health.sock` until `stop` is set."""
    await serve_application(
        health_application(service, checks),
        f"unix:{settings.runtime / service}.health.sock",
        ready=lambda: None,
        stop=stop,
    )


async def _answers(check: Check) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            await check()
    except Exception:  # whatever it is, the engine did not answer
        return False
    return True


def _line(content: Mapping[str, object], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content) + b"\n", status_code=status, media_type="application/json")
