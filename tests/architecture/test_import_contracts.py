"""Who may know whom (`.importlinter`)."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CONTRACTS = PROJECT / ".importlinter"


def test_every_contract_is_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(CONTRACTS)]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_room_stands_under_the_contracts() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(CONTRACTS)
    watched = set(contracts["importlinter"]["root_packages"].split())
    rooms = {folder.parent.name for folder in PROJECT.glob("*/__init__.py")} - {"tests", "benchmarks", "examples"}
    assert watched == rooms
