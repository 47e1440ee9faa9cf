"""Both engines together, as far as the settings ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from config.engines.engine import Engine
from config.engines.folders import make_var
from config.engines.postgresql import PostgreSQL
from config.engines.valkey import ValkeyServer
from config.settings import Settings


def embedded_engines(settings: Settings, *, durable: bool = True) -> list[Engine]:
    """The engines that are not elsewhere according to `database.url` and `valkey.url`; none is started yet."""
    engines: list[Engine] = []
    if settings.database.url is None:
        engines.append(PostgreSQL(settings, durable=durable))
    if settings.valkey.is_embedded:
        engines.append(ValkeyServer(settings, durable=durable))
    return engines


@contextmanager
def running_engines(settings: Settings, *, durable: bool = True) -> Iterator[list[Engine]]:
    """Start the embedded engines, wait until they answer, and stop them at the end; from the main thread."""
    make_var(settings)
    engines = embedded_engines(settings, durable=durable)
    try:
        for engine in engines:
            engine.start()
        for engine in engines:
            engine.wait_ready()
        yield engines
    finally:
        for engine in reversed(engines):
            engine.stop()
