"""The embedded engines: they start, answer, stop, survive a kill, and outlive nobody."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from config.engines.embedded import running_engines
from config.engines.engine import EngineFailed
from config.engines.postgresql import PostgreSQL
from config.sections.engines import DatabaseSettings, ValkeySettings
from config.settings import Settings, WrongSettings
from tests.config.asking import ask, valkey_says
from tests.machine import listening_ports, wait_for_lock

PROJECT = Path(__file__).parents[2]


async def test_they_start_and_find_their_data_again(own: Settings) -> None:
    with running_engines(own):
        await ask(own, "CREATE TABLE kept (n int)")
        assert await ask(own, "SHOW server_encoding") == "UTF8"
        assert valkey_says(own, "SET", "kept", "yes") == b"+OK\r\n"
    with running_engines(own):
        assert await ask(own, "SELECT count(*) FROM kept") == 0
        assert valkey_says(own, "GET", "kept") == b"$3\r\nyes\r\n"


async def test_they_listen_on_no_port_and_their_folders_are_closed(own: Settings) -> None:
    with running_engines(own, durable=False) as engines:
        for engine in engines:
            assert engine.process is not None
            assert listening_ports(engine.process.pid) == []
        for folder in (own.runtime, own.secrets, own.var / "postgres", own.var / "valkey", own.var / "log"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
        assert stat.S_IMODE(own.var.parent.stat().st_mode) == 0o700  # no folder above was opened


async def test_only_the_roles_of_the_house_come_in(own: Settings) -> None:
    with running_engines(own, durable=False):
        await ask(own, "CREATE ROLE stranger LOGIN SUPERUSER")
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await ask(own, "SELECT 1", user="stranger")


def test_engines_elsewhere_are_left_alone(own: Settings) -> None:
    settings = own.model_copy(
        update={"database": DatabaseSettings(url="postgresql+asyncpg://x/y"), "valkey": ValkeySettings(url="redis://x")}
    )
    with running_engines(settings) as engines:
        assert engines == []


async def test_a_killed_server_leaves_nothing_in_the_way(own: Settings) -> None:
    with running_engines(own) as engines:
        await ask(own, "CREATE TABLE kept (n int)")
        for engine in engines:
            assert engine.process is not None
            engine.process.kill()
            engine.process.wait()
    assert (own.var / "postgres" / "data" / "postmaster.pid").exists()
    with running_engines(own):
        assert await ask(own, "SELECT count(*) FROM kept") == 0
        assert valkey_says(own, "PING") == b"+PONG\r\n"


async def test_a_killed_parent_takes_them_along(own: Settings) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from config.engines.embedded import running_engines\n"
        "from config.settings import Settings\n"
        "with running_engines(Settings(var=Path(sys.argv[1]))) as engines:\n"
        "    print(*(engine.process.pid for engine in engines), flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen(  # noqa: ASYNC220 - it is waited for by the lock that its children hold
        [sys.executable, "-c", script, str(own.var)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        started = [int(word) for word in parent.stdout.readline().split()]
        assert len(started) == 2
        parent.send_signal(signal.SIGKILL)
    for name in ("postgres", "valkey"):
        wait_for_lock(own.var / name / "engine.lock")
    with running_engines(own, durable=False):  # and the next start finds nothing in the way
        assert await ask(own, "SELECT 1") == 1


def test_what_went_wrong_is_told_with_the_end_of_the_record(own: Settings) -> None:
    with running_engines(own, durable=False):
        pass
    (own.var / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with (
        pytest.raises(EngineFailed, match=r"postgres ended while starting(.|\n)*not compatible"),
        running_engines(own, durable=False),
    ):
        pass


def test_a_half_made_cluster_is_made_anew(own: Settings) -> None:
    half = own.var / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with running_engines(own, durable=False):
        assert not half.exists()


def test_both_start_warm_within_a_second(own: Settings) -> None:
    with running_engines(own, durable=False):
        pass
    begun = time.monotonic()
    with running_engines(own, durable=False):
        took = time.monotonic() - begun
    assert took < 1.0


def test_a_running_engine_is_not_started_twice(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_engines(own, durable=False):
        second = PostgreSQL(own)
        monkeypatch.setattr("config.engines.engine.LOCK_PATIENCE", 0.1)
        with pytest.raises(WrongSettings, match="MUNJIGI_VAR: postgres is still running"):
            second.start()
