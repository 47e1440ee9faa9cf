"""Nodes of the identity provider as processes of their own, on the engines of a test: started, killed, started anew."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from config.settings import Settings
from tests.house import PROJECT
from tests.idp.browser import Browser

STARTS_WITHIN = 60


@dataclass
class Node:
    """One process, which listens on a socket of its own; to browsers it is `http://localhost:9000` like every other."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> Path:
        return self.folder / "idp.sock"

    def browser(self) -> Browser:
        """A browser whose requests go to this node."""
        return Browser(httpx2.AsyncHTTPTransport(uds=str(self.address)))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.address.unlink(missing_ok=True)
        with (self.folder.with_suffix(".said")).open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "idp"],
                cwd=PROJECT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._listens():
            assert self.process.poll() is None, self.folder.with_suffix(".said").read_text()
            assert time.monotonic() < deadline, self.folder.with_suffix(".said").read_text()
            time.sleep(0.05)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.address)) == 0

    def freeze(self) -> None:
        """Stop it where it is; what it has asked others for goes on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


@contextmanager
def nodes(settings: Settings, count: int, **more: str) -> Iterator[list[Node]]:
    """Running nodes that share the engines of these settings, and their secrets; `more` are variables of theirs."""
    made = []
    for number in range(count):
        folder = settings.var / f"node{number}"
        shutil.copytree(settings.secrets, folder / "secrets")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUNJIGI_")},
            "MUNJIGI_VAR": str(folder),
            "MUNJIGI_DATABASE__URL": str(settings.database.url),
            "MUNJIGI_VALKEY__URL": str(settings.valkey.url),
            "MUNJIGI_IDP__LISTEN": f"unix:{folder / 'idp.sock'}",
            **more,
        }
        made.append(Node(folder, environment))
    try:
        for node in made:
            node.start()
        yield made
    finally:
        for node in made:
            node.stop()
