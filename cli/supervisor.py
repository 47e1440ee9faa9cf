"""Starts children, waits until they answer, starts again what dies, and stops all in order.

One thread, no event loop: children are forked from here, and both would come along.
"""

from __future__ import annotations

import select
import signal
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import FrameType

from cli.children import Child
from cli.failures import ChildFailed

STEADY = 10.0
"""Seconds after which a child that was started again counts as well: what lives that long is worth starting at once."""
LONGEST_PAUSE = 30.0
SAME_REQUEST = 0.5
"""Seconds within which a second signal is the same request, sent by the terminal and by a parent alike."""


class StopAsked(Exception):
    """A signal asked for the end while something was still being started."""


def child_failed(child: Child, what: str, status: int = 70) -> ChildFailed:
    """The error for a child that could not be brought up."""
    return ChildFailed(f"{child.name} {what}. The end of {child.record}:\n{child.last_words()}", status)


def how_it_ended(status: int) -> str:
    """An exit status in words."""
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


@dataclass
class _Watched:
    child: Child
    started: float = 0.0
    failures: int = 0
    again_at: float | None = None
    ready: bool = False


@dataclass
class Supervisor:
    """Holds the children in the order in which they were started."""

    tell: Callable[[str], None]
    watched: list[_Watched] = field(default_factory=list)
    stop_asked: int = 0
    _last_asked: float = float("-inf")
    _wake: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)

    def listen_to_signals(self) -> None:
        """SIGINT, SIGTERM and SIGHUP ask for the end; a second one hurries it. A child's end wakes the loop."""
        for end in self._wake:
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake[1].fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup(1)
                signal.signal(number, self._asked)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last_asked > SAME_REQUEST:
            self.stop_asked += 1
        self._last_asked = now

    def pause(self, seconds: float) -> None:
        """Sleep, at most until the next signal. Raises `StopAsked` when one asked for the end."""
        self._sleep(seconds)
        if self.stop_asked:
            raise StopAsked

    def _sleep(self, seconds: float) -> None:
        readable, _, _ = select.select([self._wake[0]], [], [], seconds)
        if readable:
            self._wake[0].recv(4096)

    def start(self, child: Child) -> None:
        """Start a child and keep it from now on."""
        entry = _Watched(child, started=time.monotonic())
        self.watched.append(entry)
        child.start()

    def wait_ready(
        self, children: Sequence[Child], *, timeout: float, tell: Callable[[str], None] = lambda _name: None
    ) -> None:
        """Wait until each of the children answers, and tell which does. Raises `ChildFailed` or `StopAsked`."""
        waiting = [entry for entry in self.watched if entry.child in children]
        deadline = time.monotonic() + timeout
        while waiting:
            for entry in list(waiting):
                status = entry.child.ended()
                if status is not None:
                    raise child_failed(entry.child, f"{how_it_ended(status)} while starting", status)
                if entry.child.is_ready():
                    entry.ready = True
                    waiting.remove(entry)
                    tell(entry.child.name)
            if waiting:
                if time.monotonic() > deadline:
                    raise child_failed(waiting[0].child, f"does not answer after {timeout:g} s")
                self.pause(0.01)

    def wait_finished(self, child: Child) -> None:
        """Wait for a child, started before, that ends by itself. Raises `ChildFailed` or `StopAsked`."""
        try:
            while (status := child.ended()) is None:
                self.pause(0.05)
        except StopAsked:
            self._end([child])
            raise
        finally:
            self.watched = [entry for entry in self.watched if entry.child is not child]
        if status != 0:
            raise child_failed(child, how_it_ended(status), status)

    def restart(self, children: Sequence[Child]) -> None:
        """End the children and start them anew."""
        self._end(children)
        for entry in self.watched:
            if entry.child in children:
                entry.ready, entry.again_at, entry.started = False, None, time.monotonic()
                self._start_again(entry)

    def watch(self, look: Callable[[], None] = lambda: None, *, every: float = 60.0) -> None:
        """Start again what dies, until a signal asks for the end; `look` is called at least `every` so many seconds."""
        while not self.stop_asked:
            look()
            now = time.monotonic()
            for entry in self.watched:
                self._look_after(entry, now)
            due = [entry.again_at for entry in self.watched if entry.again_at is not None]
            starting = any(not entry.ready for entry in self.watched)
            self._sleep(max(0.0, min([*due, now + (0.1 if starting else every)]) - now))

    def _look_after(self, entry: _Watched, now: float) -> None:
        if entry.again_at is not None:
            if now >= entry.again_at:
                entry.again_at = None
                entry.started = now
                self._start_again(entry)
            return
        status = entry.child.ended()
        if status is not None:
            entry.ready = False
            entry.failures = 0 if now - entry.started > STEADY else entry.failures + 1
            pause = min(LONGEST_PAUSE, 0.25 * 2**entry.failures)
            entry.again_at = now + pause
            self.tell(
                f"{entry.child.name} {how_it_ended(status)}; it is started again in {pause:g} s. "
                f"Its record: {entry.child.record}"
            )
        elif not entry.ready and entry.child.is_ready():
            entry.ready = True
            self.tell(f"{entry.child.name} answers again")

    def _start_again(self, entry: _Watched) -> None:
        try:
            entry.child.start()
        except Exception as error:  # an engine may fail to start for as long as, say, the disk is full
            entry.failures += 1
            entry.again_at = time.monotonic() + min(LONGEST_PAUSE, 0.25 * 2**entry.failures)
            self.tell(f"{entry.child.name} could not be started: {error}")

    def stop(self, waves: Iterable[Sequence[Child]]) -> None:
        """End the children wave by wave; what does not end in time, or when a second signal comes, is killed."""
        for wave in waves:
            self._end(wave)

    def _end(self, children: Sequence[Child]) -> None:
        for child in children:
            child.ask_to_stop()
        asked, begun = self.stop_asked, time.monotonic()
        while left := [child for child in children if child.ended() is None]:
            for child in left:
                hurried = self.stop_asked > asked and child.may_hurry
                if hurried or time.monotonic() - begun > child.patience:
                    child.kill()
            self._sleep(0.05)
