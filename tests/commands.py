"""`munjigi …` in a process of its own, as from a shell, without the second and a half that reading its code takes.

A server process of `multiprocessing`, one for each process of the tests, reads the code of the command line and of all
services once; each command is a fork of it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pkgutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from cli.services import INBOX, SANDBOX, SERVICES
from config.uncollected import uncollected


class Ran(NamedTuple):
    """What came of a command."""

    exit_code: int
    stdout: str
    stderr: str


async def run_command(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ran:
    """Run `munjigi` with these words, in this folder, with this environment and no more."""
    return await asyncio.to_thread(run_command_now, words, folder, environment)


def run_command_now(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ran:
    """The same, where no event loop is waited on."""
    with tempfile.TemporaryDirectory(prefix="mj-") as said:
        out, err = Path(said) / "out", Path(said) / "err"
        process = forked(words, folder, environment, out, err)
        process.join()
        assert process.exitcode is not None
        return Ran(process.exitcode, out.read_text(), err.read_text())


class Begun:
    """A command that runs until it is told to end; what it says is in `stdout`, what it complains of too.

    It offers what is used of `subprocess.Popen`.
    """

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        with tempfile.TemporaryDirectory(prefix="mj-") as said:
            both = Path(said) / "both"
            os.mkfifo(both)
            self._process = forked(words, folder, environment, both, both)
            self.stdout = both.open()  # once the command has opened it as well

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        if self._process.is_alive():
            os.kill(self.pid, number)

    def wait(self) -> None:
        self._process.join()

    def __enter__(self) -> Begun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stdout.close()
        self.wait()


def forked(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], out: Path, err: Path
) -> ForkServerProcess:
    """Begin a command; what it says is appended to `out`, what it complains of to `err`."""
    process = forks().Process(target=_command, args=(list(words), folder, dict(environment), out, err))
    process.start()
    return process


@cache
def forks() -> ForkServerContext:
    """Its processes are forks of one that has read all code of ours."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.commands_read"])
    return forks


def read_all() -> None:
    """Import every module of the command line, those that a command imports when it is called, too; and of `up`."""
    import cli

    with uncollected():
        for module in pkgutil.walk_packages(cli.__path__, "cli."):
            import_module(module.name)
        for service in (INBOX, SANDBOX, *SERVICES):
            for name in service.modules:
                import_module(name)


def _command(words: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    said = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    complained = said if err == out else os.open(err, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(said, 1)
    os.dup2(complained, 2)
    for opened in {said, complained}:
        os.close(opened)
    sys.argv = ["munjigi", *words]
    from cli.main import main

    main()
