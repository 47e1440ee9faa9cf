"""What the two engines share: a server in the foreground, its record, and how long it may take to start and to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

from config.engines.account import Account, engine_account
from config.engines.child import bound_to_this_process, held_signals
from config.engines.folders import acquire_engine_lock, make_engine_folder, open_record
from config.settings import Settings

LOCK_PATIENCE = 30.0
"""Seconds that the remains of a killed server have to end before a start is refused."""


class EngineFailed(Exception):
    """An engine did not start; the message holds the end of its record."""


class Engine(ABC):
    """One embedded server. `start`, then ask `is_ready` until it is, and `stop` at the end; all from the main thread.

    `durable=False` trades the safety of the data for speed, for tests.
    """

    name: str
    stop_signal: signal.Signals
    """Ends the server in good order and at once, whatever its clients do."""

    def __init__(self, settings: Settings, *, durable: bool = True) -> None:
        self.settings = settings
        self.durable = durable
        self.folder = settings.var.absolute() / self.name
        self.log = settings.var.absolute() / "log" / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Prepare the data and start the server. Raises `WrongSettings` or `EngineFailed`."""
        account = engine_account(self.settings, self.folder)
        make_engine_folder(self.folder, account)
        lock = acquire_engine_lock(self.folder, self.name, patience=LOCK_PATIENCE)
        try:
            command = self._prepare(account)
            self.process = self._spawn(command, account, self._working_folder(), pass_fds=(lock,))
        finally:
            os.close(lock)  # from here on the server alone holds it

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the server answers now. Raises `EngineFailed` when it has ended."""

    @abstractmethod
    def _prepare(self, account: Account) -> list[str]:
        """Make the data if there are none, clear leftovers of a killed server, and give the command that starts it."""

    def _working_folder(self) -> Path:
        return self.folder

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Block until the server answers, at most `timeout` seconds; recovery takes longer than a start."""
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise EngineFailed(f"{self.name} does not answer after {timeout:.0f} s. {self._last_words()}")
            time.sleep(0.005)

    def stop(self, timeout: float = 20.0) -> None:
        """End the server in good order; one that does not end within `timeout` seconds is killed and recovers later."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def _check_alive(self) -> None:
        if self.process is None or self.process.poll() is not None:
            status = self.process.returncode if self.process else "not started"
            raise EngineFailed(f"{self.name} ended while starting ({status}). {self._last_words()}")

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-8:]
        except OSError:
            lines = []
        return "\n".join([f"The end of {self.log}:", *lines])

    def _spawn(
        self,
        command: list[str],
        account: Account,
        folder: Path,
        *,
        pass_fds: tuple[int, ...] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start a program in `folder` as `account`.

        The working folder is entered before the user changes, so the folders above it need not be open to that user.
        """
        with open_record(self.log) as record, held_signals():
            return subprocess.Popen(  # noqa: S603 - a program of ours with arguments of ours
                command,
                cwd=folder,
                stdin=stdin,
                stdout=record,
                stderr=subprocess.STDOUT,
                env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
                user=account.uid if account.changes else None,
                group=account.gid if account.changes else None,
                extra_groups=[] if account.changes else None,
                umask=0o077,
                start_new_session=True,  # a Ctrl-C at the terminal is for the supervisor alone
                pass_fds=pass_fds,
                preexec_fn=bound_to_this_process(self.stop_signal),
            )
