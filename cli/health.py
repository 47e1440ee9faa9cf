"""How the supervisor and the doctor ask a running process how it is."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

from config.settings import Settings

PATIENCE = 3.0
"""Seconds that a process has to tell how it is; its engines have two."""


def health_socket(settings: Settings, name: str) -> Path:
    """Where the process of this name tells how it is (`config.health`)."""
    return settings.runtime / f"{name}.health.sock"


def ask(settings: Settings, name: str, path: str) -> tuple[int, bytes] | None:
    """The status and the body with which a running process answers, or `None` if it does not listen. Blocks."""
    client = http.client.HTTPConnection("localhost")
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.settimeout(PATIENCE)
    try:
        client.sock.connect(str(health_socket(settings, name)))
        client.request("GET", path)
        response = client.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        client.close()


def is_ready(settings: Settings, name: str) -> bool:
    """Whether a process serves, and its engines answer."""
    answer = ask(settings, name, "/readyz")
    return answer is not None and answer[0] == 200
