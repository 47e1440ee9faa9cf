"""The supervisor: starts, watches, starts again, stops in order, and leaves nobody behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.machine import processes_below

PROJECT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds."""

HOUSE = """
import os, signal, sys, time
from pathlib import Path
from cli.children import ForkedChild
from cli.failures import ChildFailed
from cli.supervisor import StopAsked, Supervisor

folder = Path(sys.argv[1])

def told(line):
    print(line, flush=True)

def note(what):
    with (folder / "notes").open("a") as notes:
        notes.write(what + "\\n")

def child(name, on_stop=0.0):
    def run(_terminal):
        os.chdir(folder)
        def stop(*_):
            time.sleep(on_stop)
            note(f"{name} stopped")
            os._exit(0)
        signal.signal(signal.SIGTERM, stop)
        (folder / name).write_text(str(os.getpid()))
        while True:
            signal.pause()
    return ForkedChild(name, folder / f"{name}.log", run, lambda: (folder / name).exists())

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # where the tests were started by nohup(1), it would stay ignored
supervisor = Supervisor(told)
supervisor.listen_to_signals()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mj-") as name:
        yield Path(name)


@contextmanager
def house(folder: Path, script: str) -> Iterator[subprocess.Popen[str]]:
    """A supervisor in a process of its own, which is killed when it takes for ever."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOUSE + script, str(folder)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    patience = threading.Timer(PATIENCE, process.kill)
    patience.start()
    try:
        with process:
            yield process
    finally:
        patience.cancel()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def wait_until_nobody(folder: Path, timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while processes_below(folder):
        assert time.monotonic() < deadline, processes_below(folder)
        time.sleep(0.02)


TWO = """
inner, outer = child("inner"), child("outer")
for one in (inner, outer):
    supervisor.start(one)
supervisor.wait_ready([inner, outer], timeout=10)
told("up")
supervisor.watch()
supervisor.stop([[outer], [inner]])
told("down")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_wave_by_wave(folder: Path, number: signal.Signals) -> None:
    with house(folder, TWO) as process:
        assert line(process) == "up"
        process.send_signal(number)
        assert line(process) == "down"
    assert (folder / "notes").read_text().splitlines() == ["outer stopped", "inner stopped"]
    assert processes_below(folder) == []


def test_a_killed_supervisor_leaves_no_child(folder: Path) -> None:
    with house(folder, TWO) as process:
        assert line(process) == "up"
        assert len(processes_below(folder)) == 2
        process.kill()
        process.wait()
        wait_until_nobody(folder)


def test_a_child_that_dies_is_started_again_and_it_says_so(folder: Path) -> None:
    with house(folder, TWO) as process:
        assert line(process) == "up"
        first = (folder / "inner").read_text()
        os.kill(int(first), signal.SIGKILL)
        assert line(process).startswith("inner was ended by SIGKILL; it is started again in 0.5 s.")
        assert line(process) == "inner answers again"
        process.send_signal(signal.SIGTERM)
        assert line(process) == "down"
    assert (folder / "inner").read_text() != first


def test_a_child_that_fails_at_the_start_is_told_with_its_last_words(folder: Path) -> None:
    script = """
def run(_terminal):
    raise RuntimeError("no such table")
try:
    supervisor.start(bad := ForkedChild("bad", folder / "bad.log", run, lambda: False))
    supervisor.wait_ready([bad], timeout=10)
except ChildFailed as failed:
    told(str(failed).replace("\\n", " | "))
"""
    with house(folder, script) as process:
        said = line(process)
    assert said.startswith("bad ended with status 70 while starting.")
    assert "munjigi: RuntimeError: no such table" in said


def test_what_does_not_drain_is_killed_by_a_second_signal(folder: Path) -> None:
    script = """
slow = child("slow", on_stop=60)
supervisor.start(slow)
supervisor.wait_ready([slow], timeout=10)
told("up")
supervisor.watch()
told("stopping")
supervisor.stop([[slow]])
told("down")
"""
    with house(folder, script) as process:
        assert line(process) == "up"
        process.send_signal(signal.SIGINT)
        assert line(process) == "stopping"
        time.sleep(0.6)  # a signal that comes at once is taken for the same request
        process.send_signal(signal.SIGINT)
        assert line(process) == "down"
    assert processes_below(folder) == []


def test_a_signal_while_starting_ends_the_start(folder: Path) -> None:
    script = """
never = ForkedChild("never", folder / "never.log", lambda _: (os.chdir(folder), time.sleep(60)), lambda: False)
supervisor.start(never)
told("starting")
try:
    supervisor.wait_ready([never], timeout=30)
except StopAsked:
    supervisor.stop([[never]])
    told("stopped")
"""
    with house(folder, script) as process:
        assert line(process) == "starting"
        process.send_signal(signal.SIGINT)
        assert line(process) == "stopped"
    assert processes_below(folder) == []


def test_a_task_is_waited_for(folder: Path) -> None:
    script = """
supervisor.start(good := ForkedChild("good", folder / "good.log", lambda _: note("done")))
supervisor.wait_finished(good)
told(str(len(supervisor.watched)))
"""
    with house(folder, script) as process:
        assert line(process) == "0"
    assert (folder / "notes").read_text() == "done\n"
