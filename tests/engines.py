"""The engines of a test run: started once, one database cloned for every test from one migrated template."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from config.client_secret import create_client_secret
from config.engines.embedded import running_engines
from config.engines.folders import make_var
from config.envelope import Envelope
from config.sections.engines import DatabaseSettings, ValkeySettings
from config.settings import Settings
from migrations.runner import migrate

TEMPLATE = "munjigi_template"
ROOM = 4 << 30
"""Bytes."""


@dataclass
class TestEngines:
    """Running engines, and the means to give each test a part of them that nobody else touches."""

    __test__ = False

    settings: Settings
    loop: asyncio.AbstractEventLoop
    administrator: Any
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def private(self) -> Iterator[Settings]:
        """Settings with an own migrated database, an empty Valkey and an own `var/`."""
        name = f"munjigi_t{next(self.numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY file_copy')
        self.flush_valkey()
        own = Settings(
            var=self.settings.var / name.removeprefix("munjigi_"),
            database=DatabaseSettings(url=self.database_url(name)),
            valkey=ValkeySettings(url=self.settings.valkey_url()),
        )
        make_var(own)
        Envelope.create(own)
        create_client_secret(own)
        try:
            yield own
        finally:
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            shutil.rmtree(own.var, ignore_errors=True)

    def database_url(self, name: str) -> str:
        return f"postgresql+asyncpg://munjigi_{{role}}@/{name}?host={self.settings.runtime}"

    def execute(self, statement: str) -> None:
        """Run one statement as the owner, outside of any event loop of the tests."""
        self.loop.run_until_complete(self.administrator.execute(statement))

    def flush_valkey(self) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.settings.runtime / "valkey.sock"))
            client.sendall(b"FLUSHALL SYNC\r\n")
            assert client.recv(16) == b"+OK\r\n"


def memory_folder() -> Path | None:
    """A file system in memory with room for the engines, if this machine has one: there a database is cloned eight
    times as fast, and every test has one. None: the usual place for temporary files."""
    folder = Path("/dev/shm")
    if not os.access(folder, os.W_OK):
        return None
    system = os.statvfs(folder)
    spacious = system.f_bavail * system.f_frsize > ROOM
    return folder if spacious and not system.f_flag & os.ST_NOEXEC else None


@contextmanager
def engines_for_tests() -> Iterator[TestEngines]:
    """Start engines in a folder of their own with a short name (sockets), and migrate the template."""
    folder = Path(tempfile.mkdtemp(prefix="munjigi-", dir=memory_folder()))
    folder.chmod(0o755)  # the engines' account must be able to come in when root runs the tests
    loop = asyncio.new_event_loop()
    try:
        settings = Settings(var=folder / "v")
        with running_engines(settings, durable=False):
            administrator = loop.run_until_complete(
                asyncpg.connect(host=str(settings.runtime), user="munjigi_owner", database="postgres")
            )
            engines = TestEngines(settings, loop, administrator)
            engines.execute(f'CREATE DATABASE "{TEMPLATE}"')
            template = Settings(database=DatabaseSettings(url=engines.database_url(TEMPLATE)))
            loop.run_until_complete(migrate(template))
            yield engines
            loop.run_until_complete(administrator.close())
    finally:
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)
