"""One service in one process: its logs, its signals, its health, and how it drains."""

from __future__ import annotations

import asyncio
import importlib
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TextIO

from cli.services import Service
from config.settings import Settings
from config.uncollected import uncollected

Serve = Callable[[Settings, Callable[[], None], asyncio.Event], Awaitable[None]]
HARD_LIMIT = 12
"""Seconds from the request to stop until the process ends whether it has drained or not."""


def run_service(service: Service, settings: Settings, terminal: TextIO | None = None) -> None:
    """Run the service until SIGTERM or SIGINT, then drain it. With `terminal`, warnings are told there too.

    Raises `WrongSettings`, `CannotListen`, or whatever the service could not deal with.
    """
    import uvloop

    from config.log import configure_logging

    configure_logging(settings.log, service=service.name, terminal=terminal)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(service, settings))


def run_alone(service: Service) -> None:
    """Run one service as its command does: settings first, then its folder and its addresses."""
    from cli.checks import check_addresses
    from config.engines.folders import make_var
    from config.settings import load_settings

    settings = load_settings()
    make_var(settings)
    if service.public:
        check_addresses(settings, (service.name,))
    run_service(service, settings)


async def _serve(service: Service, settings: Settings) -> None:
    stop, stopped = asyncio.Event(), asyncio.Event()
    _stop_on_signals(stop)
    from sqlalchemy import text

    from config.connections import open_database, open_valkey
    from config.health import Check, serve_health

    database, valkey = open_database(settings, service.role), open_valkey(settings)
    unready = set(service.runs)

    async def serving() -> None:
        if unready or stop.is_set():
            raise RuntimeError("not serving")

    async def database_answers() -> None:
        async with database.connect() as connection:
            await connection.execute(text("SELECT 1"))

    checks: dict[str, Check] = {"serving": serving, "postgresql": database_answers, "valkey": valkey.ping}
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve_health(settings, service.name, checks, stopped))
            try:
                async with asyncio.TaskGroup() as parts:
                    for entry in service.runs:
                        parts.create_task(_part(entry, settings, partial(unready.discard, entry), stop))
            finally:
                stopped.set()
    finally:
        await valkey.aclose()
        await database.dispose()


async def _part(entry: str, settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    module, _, function = entry.partition(":")
    with uncollected():
        serve: Serve = getattr(importlib.import_module(module), function)
    await serve(settings, ready, stop)
    if not stop.is_set():
        raise RuntimeError(f"{entry} returned though nobody asked it to stop")


def _stop_on_signals(stop: asyncio.Event) -> None:
    def asked() -> None:
        stop.set()
        signal.alarm(HARD_LIMIT)  # SIGALRM's default action ends a process that does not drain

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
