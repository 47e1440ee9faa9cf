"""A house of the tests' own: `munjigi up` in a folder and on ports that nobody else uses."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode
from urllib.request import urlopen

import asyncpg

from cli.health import is_ready
from config.connections import open_valkey
from config.settings import Settings
from idp.demo import DEMO_FILE
from tests.commands import Begun, run_command_now
from tests.engines import memory_folder
from tests.furnished import furnish
from tests.machine import processes_below

PROJECT = Path(__file__).parents[1]
Up = TypeVar("Up", subprocess.Popen[str], Begun)


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class House:
    """One `var/` and five ports, and what is run on them."""

    folder: Path
    idp_port: int = field(default_factory=free_port)
    gateway_port: int = field(default_factory=free_port)
    inbox_port: int = field(default_factory=free_port)
    smtp_port: int = field(default_factory=free_port)
    payments_port: int = field(default_factory=free_port)
    told: str = ""
    more: dict[str, str] = field(default_factory=dict)
    """Settings of its own, by the names of their environment variables."""

    @property
    def settings(self) -> Settings:
        return Settings(var=self.folder / "v")

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.idp_port}"

    @property
    def shop(self) -> str:
        return f"http://shop.localhost:{self.gateway_port}/"

    @property
    def inbox(self) -> str:
        """Where the mails are that nobody sends out; `/api/messages?to=` gives them as JSON."""
        return f"http://localhost:{self.inbox_port}/"

    @property
    def sign_in_page(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.issuer) + r"/sign-in\?")

    def password(self, name: str) -> str:
        """The password of a demo person."""
        return str(_person(name)["password"])

    def totp_secret(self, name: str) -> str:
        """The secret of a demo person's authenticator app, base32."""
        return str(_person(name)["totp_secret"])

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUNJIGI_")},
            "MUNJIGI_VAR": str(self.folder / "v"),
            "MUNJIGI_IDP__LISTEN": f"127.0.0.1:{self.idp_port}",
            "MUNJIGI_GATEWAY__LISTEN": f"127.0.0.1:{self.gateway_port}",
            "MUNJIGI_INBOX__LISTEN": f"127.0.0.1:{self.inbox_port}",
            "MUNJIGI_INBOX__SMTP": f"127.0.0.1:{self.smtp_port}",
            "MUNJIGI_PAYMENTS__LISTEN": f"127.0.0.1:{self.payments_port}",
            **self.more,
            **more,
        }

    def munjigi(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A command that ends by itself."""
        ran = run_command_now(arguments, PROJECT, self.environment(**more))
        return subprocess.CompletedProcess(arguments, ran.exit_code, ran.stdout, ran.stderr)

    def up(self) -> subprocess.Popen[str]:
        """`munjigi up` as from a shell, once everything answers; its output until then is in `told`."""
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "up"],
            cwd=PROJECT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self._once_it_answers(process)

    def up_forked(self) -> Begun:
        """The same in a fork of a process that has read its code."""
        return self._once_it_answers(Begun(["up"], PROJECT, self.environment()))

    def _once_it_answers(self, process: Up) -> Up:
        assert process.stdout is not None
        self.told = ""
        for line in process.stdout:
            self.told += line
            if "Ctrl-C stops everything" in line:
                return process
        process.wait()
        raise AssertionError(self.told)

    def mails(self, name: str) -> list[dict[str, object]]:
        """The mails that a demo person was sent, the newest first."""
        query = urlencode({"to": _person(name)["email"]})
        with urlopen(f"{self.inbox}api/messages?{query}", timeout=5) as answer:
            found: list[dict[str, object]] = json.load(answer)["messages"]
        return found

    def mailed_code(self, name: str, before: list[dict[str, object]]) -> str:
        """The digits of the sign-in code that a demo person was sent since the mails `before`."""
        known = {mail["id"] for mail in before}
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for mail in self.mails(name):
                digits = re.search(r"^\s*(\d{6})\s*$", str(mail["text"]), re.MULTILINE)
                if digits and mail["id"] not in known:
                    return digits[1]
            time.sleep(0.05)
        raise AssertionError(f"{name} was sent no code")

    def forget_attempts(self) -> None:
        """As if so much time had passed that nothing is throttled any more."""
        with ThreadPoolExecutor(1) as beside:
            beside.submit(lambda: asyncio.run(self._forget_attempts())).result()

    async def _forget_attempts(self) -> None:
        valkey = open_valkey(self.settings)
        try:
            async for key in valkey.scan_iter(match="munjigi:{throttle:*"):
                await valkey.delete(key)
        finally:
            await valkey.aclose()

    def forget_codes(self) -> None:
        """As if every code of an authenticator app had been given long ago: the code of now is taken again."""
        self.execute("UPDATE idp.totp SET last_accepted_step = 0")

    def end_all_sessions(self) -> None:
        """Nobody is signed in any more, as if an administrator had ended every session."""
        self.execute(
            "UPDATE idp.session SET ended_at = now(), end_reason = 'administrator', version = version + 1 "
            "WHERE ended_at IS NULL"
        )

    def execute(self, statement: str) -> None:
        """Run one statement as the owner of the database."""
        with ThreadPoolExecutor(1) as beside:  # Playwright's own loop runs in the caller's thread
            beside.submit(lambda: asyncio.run(self._execute(statement))).result()

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(host=str(self.settings.runtime), user="munjigi_owner", database="munjigi")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def kill(self, name: str) -> None:
        """`kill -9` the process of this name (15 characters of it), the oldest of several; returns once it is gone."""
        named = [
            process
            for process in processes_below(self.folder)
            if Path(f"/proc/{process}/comm").read_text().strip() == name
        ]
        os.kill(min(named), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while min(named) in processes_below(self.folder):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Until every process serves again, and its engines answer it."""
        deadline = time.monotonic() + timeout
        names = [path.name.removesuffix(".health.sock") for path in self.settings.runtime.glob("*.health.sock")]
        assert names
        while missing := [name for name in names if not is_ready(self.settings, name)]:
            assert time.monotonic() < deadline, missing
            time.sleep(0.05)

    def rows(self, query: str) -> list[asyncpg.Record]:
        """What one query answers, asked as the owner of the database."""
        with ThreadPoolExecutor(1) as beside:
            return beside.submit(lambda: asyncio.run(self._rows(query))).result()

    async def _rows(self, query: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(host=str(self.settings.runtime), user="munjigi_owner", database="munjigi")
        try:
            found: list[asyncpg.Record] = await connection.fetch(query)
            return found
        finally:
            await connection.close()

    def stop(self, process: subprocess.Popen[str] | Begun, number: signal.Signals) -> str:
        process.send_signal(number)
        with process:
            assert process.stdout is not None
            return process.stdout.read()

    def wait_until_nobody(self, timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while left := processes_below(self.folder):
            assert time.monotonic() < deadline, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
            time.sleep(0.05)


def _person(name: str) -> dict[str, object]:
    with DEMO_FILE.open("rb") as file:
        people: list[dict[str, object]] = tomllib.load(file)["person"]
    return next(person for person in people if person["login"] == name)


@contextmanager
def new_house(**more: str) -> Iterator[House]:
    """A house that stands empty, with `more` settings; nothing is left of it."""
    folder = Path(tempfile.mkdtemp(prefix="mj-", dir=memory_folder()))  # closed to other users (0700)
    yield House(folder, more=more)
    shutil.rmtree(folder)


@contextmanager
def running_house(**more: str) -> Iterator[House]:
    """A house that is up, with `more` settings by the names of their environment variables."""
    with new_house(**more) as house:
        furnish(house.settings.var)
        process = house.up_forked()
        try:
            yield house
        finally:
            house.stop(process, signal.SIGINT)
        house.wait_until_nobody()
