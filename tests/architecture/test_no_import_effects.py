"""Nothing happens on import: no thread, no connection, no file made, no event loop."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]

PROBE = """
import importlib, os, pkgutil, sys, threading

opened = []
watched = {"socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "os.remove", "os.rename"}
sys.addaudithook(lambda event, _: opened.append(event) if event in watched else None)
for room in sys.argv[1:]:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, f"{room}."):
        if module.name not in skipped and ".versions." not in module.name:
            importlib.import_module(module.name)
assert threading.active_count() == 1, threading.enumerate()
assert not opened, opened
"""


def test_importing_every_module_does_nothing() -> None:
    rooms = [folder.parent.name for folder in PROJECT.glob("*/__init__.py")]
    rooms = [room for room in rooms if room not in ("tests", "benchmarks", "examples")]
    skipped = 'skipped = {"migrations.env", "migrations.versions"}\n'  # Alembic executes these itself
    run = subprocess.run(
        [sys.executable, "-B", "-c", skipped + PROBE, *rooms], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
