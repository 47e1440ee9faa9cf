"""Children that never outlive their parent, even one that is killed with SIGKILL."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
_libc = ctypes.CDLL(None, use_errno=True)  # looked up before any fork: a child must not load anything


def die_with_parent(with_signal: signal.Signals, parent: int) -> None:
    """Ask the kernel for `with_signal` when the parent ends; call it in the child, after any change of user.

    A change of user clears the request (prctl(2)), so it comes last. A parent that ended before the request was made
    sends nothing any more: the child then ends at once.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0) != 0:
        os._exit(71)  # EX_OSERR
    if os.getppid() != parent:
        os._exit(0)


def bound_to_this_process(with_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` for `subprocess.Popen`: it runs after the change of user and before the program.

    The kernel watches the *thread* that forked, so start children from the main thread only.
    """
    parent = os.getpid()

    def prepare() -> None:
        default_signals()
        die_with_parent(with_signal, parent)

    return prepare


@contextmanager
def held_signals() -> Iterator[None]:
    """Hold signals back while a child is made: one that came before the child is itself would be lost in our handlers.

    The child calls `default_signals` first.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def default_signals() -> None:
    """In a new child: drop the parent's handlers, then let signals come."""
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)


def give_name(name: str) -> None:
    """How the process is called in `ps -o comm` and `top`: at most 15 bytes."""
    _libc.prctl(_PR_SET_NAME, ctypes.create_string_buffer(name.encode()[:15]), 0, 0, 0)
