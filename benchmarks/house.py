"""A whole Munjigi of the benchmark's own: `munjigi up` on free ports, in a folder that goes afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import config
from config.clock import SystemClock
from config.connections import Database
from config.entropy import SystemEntropy
from config.sections.identity import IdentityProviderSettings
from config.settings import Settings
from idp.credentials.password import PasswordPool
from idp.demo import client_secret
from idp.directory.account import Account, Organisation
from idp.storage import directory, passwords

PROJECT = Path(config.__file__).parent.parent
PASSWORD = "seven lanterns over water"
CLIENT_ID = "demo-app"
CALLBACK = "http://app.localhost:9100/callback"


class CannotMeasure(Exception):
    """The house did not come up; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class House:
    """What is running, and where."""

    settings: Settings
    idp_port: int
    gateway_port: int
    environment: Mapping[str, str]
    """Of its processes."""

    @property
    def secret(self) -> str:
        """The secret of the relying app `CLIENT_ID`."""
        return client_secret(self.settings, CLIENT_ID)


@contextmanager
def running_house(origin: Path | None = None) -> Iterator[House]:
    """Everything, up and healthy. `origin`: a unix socket that stands in for the shop behind the gateway."""
    folder = Path(tempfile.mkdtemp(prefix="mj-bench-"))
    idp_port, gateway_port = _free_port(), _free_port()
    routes = folder / "routes.toml"
    routes.write_text(_routes(origin))
    issuer = f"http://localhost:{idp_port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MUNJIGI_")},
        "MUNJIGI_VAR": str(folder / "v"),
        "MUNJIGI_IDP__LISTEN": f"127.0.0.1:{idp_port}",
        "MUNJIGI_GATEWAY__LISTEN": f"127.0.0.1:{gateway_port}",
        "MUNJIGI_GATEWAY__ROUTES": str(routes),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "up"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _wait_up(process)
        settings = Settings(var=folder / "v", idp=IdentityProviderSettings(issuer=issuer))
        yield House(settings, idp_port, gateway_port, environment)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def more_gateways(house: House, count: int) -> Iterator[list[int]]:
    """So many further gateways before the same engines, each with a folder of its own, as on other machines; their
    ports."""
    processes, folders, ports = [], [], [_free_port() for _ in range(count)]
    try:
        for port in ports:
            folder = Path(tempfile.mkdtemp(prefix="mj-bench-"))
            folders.append(folder)
            shutil.copytree(house.settings.secrets, folder / "v" / "secrets")
            environment = {
                **house.environment,
                "MUNJIGI_VAR": str(folder / "v"),
                "MUNJIGI_DATABASE__URL": house.settings.database_url("owner").replace("_owner@", "_{role}@"),
                "MUNJIGI_VALKEY__URL": house.settings.valkey_url(),
                "MUNJIGI_GATEWAY__LISTEN": f"127.0.0.1:{port}",
                "MUNJIGI_LOG__LEVEL": "error",
            }
            processes.append(
                subprocess.Popen([sys.executable, "-m", "cli.main", "gateway"], cwd=PROJECT, env=environment)
            )
        for port, process in zip(ports, processes, strict=True):
            _wait_listening(port, process)
        yield ports
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=60)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def _wait_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise CannotMeasure("a further gateway did not come up")


def _wait_up(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if "Ctrl-C stops everything" in line:
            return
    raise CannotMeasure(told)


def _routes(origin: Path | None) -> str:
    """The shipped routes, with another shop where one is given."""
    shipped = (PROJECT / "config" / "shipped" / "routes.toml").read_text(encoding="utf-8")
    if origin is None:
        return shipped
    return shipped.replace('service = "commerce"', f'socket = "{origin}"')


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def add_people(database: Database, count: int) -> list[str]:
    """So many customers with `PASSWORD`; answers their login names. Their hash is computed once."""
    pool, entropy, now = PasswordPool(1), SystemEntropy(), SystemClock().now()
    try:
        hashed = await pool.hash(PASSWORD)
    finally:
        pool.close()
    names = [f"bench-{entropy.digits(9)}-{number}" for number in range(count)]
    async with database.begin() as tx:
        firm = Organisation(id=uuid4(), name=f"bench {entropy.digits(9)}", time_zone="UTC", duplicate_login=None)
        await directory.put_organisation(tx, firm, now)
        for name in names:
            account = Account(
                id=uuid4(),
                login_name=name,
                display_name=name,
                email=None,
                locale="en",
                state="active",
                version=1,
            )
            await directory.add_account(tx, account, now)
            await directory.put_membership(tx, account.id, firm.id, ("customer",), now)
            await passwords.put_password(tx, account.id, hashed, now)
    return names
