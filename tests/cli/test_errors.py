"""What cannot work is told in a paragraph that names the setting, with an exit status of sysexits.h."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.checks import NEEDED_SPACE, NotNow, check_space
from cli.settings_list import settings_list
from config.settings import Settings
from tests.commands import Ran, run_command_now

PROJECT = Path(__file__).parents[2]


def munjigi(*arguments: str, **variables: str) -> Ran:
    return run_command_now(arguments, PROJECT, environment(**variables))


def environment(**variables: str) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("MUNJIGI_")}
    return {**others, **variables}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MUNJIGI_SESSION__IDLE_TIMEOUT", "-1"),
        ("MUNJIGI_LOG__LEVEL", "loud"),
        ("MUNJIGI_IDP__NO_SUCH_THING", "1"),
        ("MUNJIGI_SETTINGS", "/nowhere/settings.toml"),
        ("MUNJIGI_IDP__LISTEN", "127.0.0.1"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    run = munjigi("up", **{"MUNJIGI_VAR": str(tmp_path / "v"), name: value})
    assert run.exit_code == 78, run.stderr
    assert name in run.stderr
    assert "Traceback" not in run.stderr


def test_a_shell_is_given_the_same(tmp_path: Path) -> None:
    variables = {"MUNJIGI_VAR": str(tmp_path / "v"), "MUNJIGI_SESSION__IDLE_TIMEOUT": "-1"}
    told = munjigi("up", **variables)
    run = subprocess.run(
        [sys.executable, "-m", "cli.main", "up"],
        cwd=PROJECT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == told


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    run = munjigi("up", MUNJIGI_VAR=str(tmp_path / "v"), MUNJIGI_DATABASE__PASSWORDS="hunter2")
    assert run.exit_code == 78
    assert "hunter2" not in run.stderr + run.stdout


def test_a_var_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("")
    run = munjigi("up", MUNJIGI_VAR=str(tmp_path / "v"))
    assert run.exit_code == 78
    assert f"MUNJIGI_VAR: {tmp_path / 'v'} cannot be used" in run.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change users")
def test_a_var_of_another_user(tmp_path: Path) -> None:
    for folder in (tmp_path / "v", tmp_path / "v" / "secrets"):
        folder.mkdir()
        os.chown(folder, 65534, 65534)
    run = munjigi("up", MUNJIGI_VAR=str(tmp_path / "v"))
    assert run.exit_code == 78
    assert "MUNJIGI_VAR" in run.stderr
    assert "belongs to another user" in run.stderr


@pytest.mark.parametrize("name", ["idp", "gateway"])
def test_one_service_names_its_port_too(tmp_path: Path, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        variable = f"MUNJIGI_{name.upper()}__LISTEN"
        run = munjigi(name, **{"MUNJIGI_VAR": str(tmp_path / "v"), variable: address})
    assert run.exit_code == 75
    assert f"{variable}: {address}: another program listens there" in run.stderr


def test_a_full_disk_is_told_before_anything_is_started(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    with pytest.raises(NotNow, match=r"MUNJIGI_VAR: the disk under .* has 3 MB left"):
        check_space(settings, free=3 * 2**20)
    check_space(settings, free=NEEDED_SPACE)


@pytest.mark.parametrize("command", [("migrate",), ("demo",), ("audit", "verify")])
def test_a_command_without_engines_says_how_to_start_them(tmp_path: Path, command: tuple[str, ...]) -> None:
    run = munjigi(*command, MUNJIGI_VAR=str(tmp_path / "v"))
    assert run.exit_code == 75
    assert run.stderr.startswith("munjigi: The engines do not run. `munjigi up` starts")


def test_a_worker_that_there_is_not() -> None:
    run = munjigi("worker", "plumber")
    assert run.exit_code == 2
    assert "plumber" in run.stderr


def test_every_setting_is_listed_with_its_meaning() -> None:
    listed = settings_list()
    assert "MUNJIGI_SESSION__IDLE_TIMEOUT  (default: 1800)" in listed
    assert "MUNJIGI_ENGINES__USER  (default: unset)\n    When started by root" in listed


def test_the_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    run = munjigi("doctor", MUNJIGI_VAR=str(tmp_path / "v"))
    assert run.exit_code == 1
    assert "ok     settings" in run.stdout
    assert "WRONG  PostgreSQL" in run.stdout
    assert "WRONG  Valkey" in run.stdout
