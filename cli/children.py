"""The children of `munjigi up`: forked from the supervisor, which has loaded their modules, and bound to its life."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from cli.failures import exit_status, first_cause
from config.engines.child import bound_to_this_process, default_signals, die_with_parent, give_name, held_signals
from config.engines.engine import Engine, EngineFailed
from config.engines.folders import open_record


class Child(ABC):
    """Something that the supervisor starts, watches and stops."""

    name: str
    record: Path
    patience = 14.0
    """Seconds that it has to end after it was asked; then it is killed. Longer than a service takes by itself."""
    may_hurry = True
    """Whether a person who is in a hurry may have it killed."""

    @abstractmethod
    def start(self) -> None:
        """Start it; it is not ready yet."""

    @abstractmethod
    def ended(self) -> int | None:
        """Its exit status once it has ended (negative: the signal that ended it), else `None`.

        0 before it was started.
        """

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers now."""

    @abstractmethod
    def ask_to_stop(self) -> None:
        """Let it end in good order."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once."""

    def last_words(self) -> str:
        """The end of its record, for the terminal; lines for programs (JSON) only where there are no others."""
        try:
            lines = self.record.read_text(errors="replace").splitlines()[-8:]
        except OSError:
            return ""
        return "\n".join([line for line in lines if not line.startswith("{")] or [line[:400] for line in lines[-1:]])


class EngineChild(Child):
    """An embedded engine."""

    patience = 60.0
    may_hurry = False

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name
        self.record = engine.log

    def start(self) -> None:
        self.engine.start()

    def ended(self) -> int | None:
        return self.engine.process.poll() if self.engine.process else 0

    def is_ready(self) -> bool:
        try:
            return self.engine.is_ready()
        except EngineFailed:  # it has just ended
            return False

    def ask_to_stop(self) -> None:
        if self.engine.process and self.ended() is None:
            self.engine.process.send_signal(self.engine.stop_signal)

    def kill(self) -> None:
        if self.engine.process and self.ended() is None:
            self.engine.process.kill()


class ForkedChild(Child):
    """A function of ours in a process of its own, with all the modules that the supervisor has loaded."""

    def __init__(
        self, name: str, record: Path, run: Callable[[TextIO], object], healthy: Callable[[], bool] | None = None
    ) -> None:
        self.name = name
        self.record = record
        self._run = run
        self._healthy = healthy
        self._pid: int | None = None
        self._status: int | None = None

    def start(self) -> None:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self._status = None
        with held_signals():
            pid = os.fork()
            if pid == 0:
                self._be_child(parent)
        self._pid = pid

    def _be_child(self, parent: int) -> None:
        """All of the child's life; it never returns into the supervisor's code."""
        status = 70
        try:
            signal.set_wakeup_fd(-1)
            default_signals()
            os.setsid()  # a Ctrl-C at the terminal is for the supervisor alone
            die_with_parent(signal.SIGTERM, parent)
            give_name(f"munjigi-{self.name}")
            self._run(os.fdopen(_redirect_to(self.record), "w", buffering=1))
            status = 0
        except SystemExit as ending:
            status = ending.code if isinstance(ending.code, int) else 1
        except BaseException as error:
            status, words = exit_status(error)
            with contextlib.suppress(Exception):
                logging.getLogger(__name__).critical("ended by an error", exc_info=first_cause(error))
                sys.stderr.write(f"munjigi: {words}\n")
        finally:
            with contextlib.suppress(Exception):
                logging.shutdown()
                sys.stderr.flush()
            os._exit(status)

    def ended(self) -> int | None:
        if self._pid is None:
            return 0
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def is_ready(self) -> bool:
        return self.ended() is None and (self._healthy is None or self._healthy())

    def ask_to_stop(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._pid is not None and self.ended() is None:
            os.kill(self._pid, number)


class ProgramChild(Child):
    """A program started afresh: with the newest code (reload), or one that is not ours."""

    def __init__(
        self,
        name: str,
        record: Path,
        command: Sequence[str],
        healthy: Callable[[], bool],
        folder: Path | None = None,
    ) -> None:
        self.name = name
        self.record = record
        self._command = list(command)
        self._healthy = healthy
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with open_record(self.record) as record, held_signals():
            self._process = subprocess.Popen(  # noqa: S603 - a program of ours with arguments of ours
                self._command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=record,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=bound_to_this_process(signal.SIGTERM),
            )

    def ended(self) -> int | None:
        return self._process.poll() if self._process else 0

    def is_ready(self) -> bool:
        return self.ended() is None and self._healthy()

    def ask_to_stop(self) -> None:
        if self._process and self.ended() is None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process and self.ended() is None:
            self._process.kill()


def _redirect_to(record: Path) -> int:
    """Send standard output and error to the record; gives a descriptor of the terminal that was there."""
    terminal = os.dup(2)
    with open_record(record) as file, Path(os.devnull).open("rb") as nothing:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        os.dup2(nothing.fileno(), 0)
    return terminal
