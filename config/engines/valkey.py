"""Valkey, embedded: on a unix socket, with an append-only file written to disk every second."""

from __future__ import annotations

import signal
import socket

from config.engines.account import Account
from config.engines.engine import Engine
from config.engines.folders import put_link
from config.engines.programs import valkey_program

_SOCKET = "valkey.sock"


class ValkeyServer(Engine):
    """The live store. What it may lose in a crash, and how that heals, is the sessions' affair."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def _prepare(self, account: Account) -> list[str]:
        program = valkey_program(self.settings, account)
        (self.folder / _SOCKET).unlink(missing_ok=True)
        put_link(self.settings.runtime / _SOCKET, self.folder / _SOCKET)
        options = {
            "port": "0",
            "unixsocket": _SOCKET,
            "unixsocketperm": "700",
            "dir": ".",
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
        }
        return [str(program), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def is_ready(self) -> bool:
        self._check_alive()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.settings.runtime / _SOCKET))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")  # while it loads its file it answers -LOADING
            except OSError:
                return False
