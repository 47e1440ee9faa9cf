"""`munjigi up`: engines, secrets, database, demo data, every service and worker, as children of this process."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from cli import checks
from cli.children import Child, EngineChild, ForkedChild, ProgramChild
from cli.example_app import EXAMPLE_ADDRESS, example_app
from cli.health import is_ready
from cli.process import run_service
from cli.services import DEMO_DATA, PROJECT, Service, services_of
from cli.supervisor import StopAsked, Supervisor
from cli.terminal import Terminal
from config.client_secret import create_client_secret
from config.engines.embedded import embedded_engines
from config.engines.folders import make_var
from config.envelope import Envelope
from config.places import shipped
from config.settings import Settings
from config.uncollected import uncollected

_CODE = {".py", ".html", ".toml", ".css", ".js"}
START_LIMIT = 60.0
"""Seconds that the services may take to answer, on a slow machine."""


def up(settings: Settings, *, reload: bool = False, demo: bool = True) -> None:
    """Start everything, watch it until a signal asks for the end, and stop it in order.

    Raises `WrongSettings`, `CannotListen`, `NotNow`, `EngineFailed` or `ChildFailed` when it cannot be started;
    whatever had been started is stopped before.
    """
    terminal = Terminal(settings)
    make_var(settings)
    checks.check_writable(settings)
    checks.check_space(settings)
    lock = checks.acquire_only_one(settings)
    try:
        checks.check_addresses(settings)
        _Everything(settings, terminal, reload=reload, demo=demo).run()
    finally:
        os.close(lock)


class _Everything:
    def __init__(self, settings: Settings, terminal: Terminal, *, reload: bool, demo: bool) -> None:
        self.settings = settings
        self.terminal = terminal
        self.reload = reload
        self.demo_wanted = demo and settings.database.url is None
        self.supervisor = Supervisor(terminal.tell)
        self.logs = settings.var.absolute() / "log"
        self.engines = [EngineChild(engine) for engine in embedded_engines(settings)]
        self.inner: list[Child] = []
        self.public: list[Child] = []
        self.addresses: list[tuple[str, str]] = []
        """What else there is to visit."""

    def run(self) -> None:
        self.supervisor.listen_to_signals()
        try:
            self._start_engines()
            self._prepare_data()
            self._start_services()
            self.terminal.announce(_age(), self.addresses)
            if self.reload:
                self.supervisor.watch(self._restart_on_change(), every=0.5)
            else:
                self.supervisor.watch()
        except StopAsked:
            pass
        finally:
            self.terminal.stopping()
            self.supervisor.stop([self.public, self.inner, list(reversed(self.engines))])

    def _start_engines(self) -> None:
        self.terminal.step("engines", "starting")
        for engine in self.engines:
            self.supervisor.start(engine)
        if not self.reload:
            _load("config.connections", "asyncpg", "redis.asyncio", "migrations.runner")
        self.supervisor.wait_ready(self.engines, timeout=START_LIMIT)
        self.terminal.step("engines", "ready")

    def _prepare_data(self) -> None:
        """Secrets and migrations, while this process loads what the services need; then demo data, the first time."""
        Envelope.create(self.settings)
        create_client_secret(self.settings)
        migration = self._task("migrate", _migrate)
        self.supervisor.start(migration)
        self.terminal.step("database", "migrating")
        if not self.reload:
            _load("uvloop", *(module for service in services_of(self.settings) for module in service.modules))
            if self.settings.place.countries is None:
                shipped()
        self.supervisor.wait_finished(migration)
        self.terminal.step("database", "ready")
        marker, wanted = self.settings.var.absolute() / "demo.loaded", f"port {self.settings.gateway.port}\n"
        if self.demo_wanted and not (marker.exists() and marker.read_text() == wanted):
            self.terminal.step("demo data", "loading")
            self.supervisor.start(demo := self._task("demo", _load_demo))
            self.supervisor.wait_finished(demo)
            marker.write_text(wanted)  # the relying apps' addresses hold the port
            self.terminal.step("demo data", "loaded")

    def _start_services(self) -> None:
        gc.collect()
        gc.freeze()  # so that the children's collector leaves the pages that they share with this process alone
        for service in services_of(self.settings):
            child = self._service(service)
            (self.public if service.public else self.inner).append(child)
            self.supervisor.start(child)
            self.terminal.step(service.name, "starting")
        if example := example_app(self.settings, self.logs):
            self.public.append(example)
            self.addresses.append((EXAMPLE_ADDRESS, "an example app that signs people in"))
            self.supervisor.start(example)
            self.terminal.step(example.name, "starting")
        if self.settings.mail.server is None:
            port = self.settings.inbox.listen.rpartition(":")[2]
            self.addresses.append((f"http://localhost:{port}/", "the mails and texts that nobody sends out"))
        children = [*self.inner, *self.public]
        self.supervisor.wait_ready(children, timeout=START_LIMIT, tell=self._ready)

    def _ready(self, name: str) -> None:
        self.terminal.step(name, "ready")

    def _restart_on_change(self) -> Callable[[], None]:
        running = seen = _newest_change()

        def look() -> None:
            nonlocal running, seen
            newest = _newest_change()
            if newest == seen != running:  # changed, and quiet since the last look
                running = seen
                self.terminal.tell("the code changed; the services are started again")
                self.supervisor.restart([*self.inner, *self.public])
            seen = newest

        return look

    def _task(self, name: str, run: Callable[[Settings], object]) -> Child:
        return ForkedChild(name, self.logs / f"{name}.log", lambda _terminal: run(self.settings))

    def _service(self, service: Service) -> Child:
        record = self.logs / f"{service.name}.log"

        def healthy() -> bool:
            return is_ready(self.settings, service.name)

        def run(terminal: TextIO) -> None:
            run_service(service, self.settings, terminal)

        if self.reload:
            return ProgramChild(
                service.name, record, [sys.executable, "-m", "cli.main", *(service.command or (service.name,))], healthy
            )
        return ForkedChild(service.name, record, run, healthy)


def _age() -> float:
    """Seconds since this process was started, its own imports included (proc(5), field 22 of `stat`)."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _newest_change() -> float:
    """When a file of the code was last changed, in seconds since the epoch."""
    rooms = [folder for folder in PROJECT.iterdir() if (folder / "__init__.py").exists()]
    files = (file for room in rooms for file in room.rglob("*.*") if file.suffix in _CODE)
    return max(file.stat().st_mtime for file in files)


def _load(*modules: str) -> None:
    with uncollected():
        for module in modules:
            importlib.import_module(module)


def _migrate(settings: Settings) -> None:
    from migrations.runner import migrate

    asyncio.run(migrate(settings))


async def demo_data(settings: Settings) -> None:
    """Load the demo data of every service that has some; what is there already is left alone."""
    for name in DEMO_DATA:
        await importlib.import_module(name).load(settings)


def _load_demo(settings: Settings) -> None:
    asyncio.run(demo_data(settings))
