"""`munjigi …` in a process of its own, as from a shell, without the second and a half that reading its code takes.

A server process of `multiprocessing`, one for each process of the tests, reads the command line's modules once; each
command is a fork of it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pkgutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import NamedTuple


class Ran(NamedTuple):
    """What came of a command."""

    exit_code: int
    stdout: str
    stderr: str


async def run_command(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ran:
    """Run `munjigi` with these words, in this folder, with this environment and no more."""
    with tempfile.TemporaryDirectory(prefix="mj-") as said:
        out, err = Path(said) / "out", Path(said) / "err"
        process = _forks().Process(target=_command, args=(list(words), folder, dict(environment), out, err))
        process.start()
        await asyncio.to_thread(process.join)
        assert process.exitcode is not None
        return Ran(process.exitcode, out.read_text(), err.read_text())


@cache
def _forks() -> ForkServerContext:
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.commands_read"])
    return forks


def read_all() -> None:
    """Import every module of the command line: those that a command imports when it is called, too."""
    import cli

    for module in pkgutil.walk_packages(cli.__path__, "cli."):
        import_module(module.name)


def _command(words: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), descriptor)
    sys.argv = ["munjigi", *words]
    from cli.main import main

    main()
