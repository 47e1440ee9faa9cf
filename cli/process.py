"""One service in one process: its logs, its signals, its health, and how it drains."""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TextIO

from cli.services import Service
from config.settings import Settings

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


def first_cause(error: BaseException) -> BaseException:
    """The first error in a group, and in the groups in it: the others mostly follow from it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def exit_status(error: BaseException) -> tuple[int, str]:
    """The exit status (sysexits.h) and the words for an error that ended a command."""
    from cli.checks import NotNow
    from cli.supervisor import ChildFailed
    from config.engines.engine import EngineFailed
    from config.serving import CannotListen
    from config.settings import WrongSettings

    match cause := first_cause(error):
        case WrongSettings():
            return 78, str(cause)
        case CannotListen() | NotNow():
            return 75, str(cause)
        case ChildFailed():
            return cause.status if cause.status in range(64, 79) else 70, str(cause)
        case EngineFailed():
            return 69, str(cause)
        case OSError():
            return 74, str(cause)
        case _:
            return 70, f"{type(cause).__name__}: {cause}"


def complain(error: BaseException) -> int:
    """Tell the person at the terminal what ended the command; gives the exit status."""
    status, words = exit_status(error)
    sys.stderr.write(f"munjigi: {words}\n")
    return status
