"""How the supervisor and the doctor ask a running process how it is."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from config.settings import Settings

PATIENCE = 3.0
"""Seconds that a process has to tell how it is; its engines have two."""


def health_socket(settings: Settings, name: str) -> Path:
    """Where the process of this name tells how it is (`config.health`)."""
    return settings.runtime / f"{name}.health.sock"


def ask_health(settings: Settings, name: str, path: str = "/readyz") -> tuple[int, dict[str, Any]] | None:
    """The status and the answer of a running process, or `None` if it does not listen. Blocks."""
    client = http.client.HTTPConnection("localhost")
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.settimeout(PATIENCE)
    try:
        client.sock.connect(str(health_socket(settings, name)))
        client.request("GET", path)
        response = client.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    else:
        return response.status, answer
    finally:
        client.close()
