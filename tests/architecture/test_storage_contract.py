"""The contract about storage bites: in every room, for every storage."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.test_import_contracts import CONTRACTS, PROJECT

CONTRACT = "importlinter:contract:storage"


def test_every_storage_is_watched() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(CONTRACTS)
    watched = contracts[CONTRACT]["forbidden_modules"].split()
    rooms = contracts["importlinter"]["root_packages"].split()
    found = {f"{room}.storage" for room in rooms if (PROJECT / room / "storage").is_dir()}
    nested = {room for room in rooms if any((PROJECT / room).glob("*/storage/__init__.py"))}
    assert found | {f"{room}.*.storage" for room in nested} == set(watched)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rooms and their contracts, to be spoilt."""
    folder = tmp_path_factory.mktemp("house")
    for init in PROJECT.glob("*/__init__.py"):
        if init.parent.name not in ("tests", "benchmarks", "examples"):
            shutil.copytree(init.parent, folder / init.parent.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CONTRACTS, folder)
    return folder


@pytest.mark.parametrize(
    ("module", "offence"),
    [
        ("idp/endpoints/login/takeover.py", "from idp.storage import sessions"),
        ("idp/sessions/one_session.py", "from idp.storage.sessions import lock"),
        ("idp/app.py", "from events.storage import stream"),
        ("idp/grants/grant.py", "from jose.storage.keys import SigningKeys"),
        ("gateway/pipeline.py", "from gateway.storage import sign_ins"),
        ("policy/versions.py", "from policy.storage.versions import PolicyVersions"),
        ("events/outbox.py", "from events.storage import stream"),
        ("audit/trail.py", "import audit.storage"),
        ("upstreams/trade/stock.py", "from upstreams.trade.storage import stock"),
    ],
)
def test_who_may_not_import_a_storage_is_found_out(copy: Path, module: str, offence: str) -> None:
    file = copy / module
    sound = file.read_text(encoding="utf-8")
    file.write_text(f"{sound}\n{offence}\n", encoding="utf-8")
    linter = str(Path(sys.executable).with_name("lint-imports"))
    command = [linter, "--no-cache", "--config", ".importlinter", "--contract", "storage"]
    try:
        run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    finally:
        file.write_text(sound, encoding="utf-8")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "0 kept, 1 broken" in run.stdout
