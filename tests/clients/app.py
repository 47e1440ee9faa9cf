"""Where the relying app of these tests is, and who comes to it."""

from __future__ import annotations

from pathlib import Path

from tests.house import free_port

LIBRARIES = Path(__file__).parent / "node_modules"
"""Installed by its lock: `make test` does."""
PORT = free_port()
ORIGIN = f"http://app.localhost:{PORT}"
CALLBACK = f"{ORIGIN}/callback"
LEFT = f"{ORIGIN}/bye"
SECRET = "a secret of 256 bits, let us say"
PERSON, PASSWORD = "mina", "blue harbour morning"
