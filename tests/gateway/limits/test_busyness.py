"""How busy a thread is, as Linux counts it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from gateway.limits.busyness import Busyness


def measured(work: Callable[[], object]) -> float:
    """In a thread of its own, since the test's has a past."""
    shares: list[float] = []

    def run() -> None:
        busyness = Busyness()
        busyness.share(time.monotonic())
        work()
        shares.append(busyness.share(time.monotonic()))
        busyness.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return shares[0]


def spin() -> None:
    until = time.monotonic() + 0.1
    while time.monotonic() < until:
        pass


def test_who_works_is_busy_and_who_sleeps_is_not() -> None:
    assert measured(spin) > 0.9
    assert measured(lambda: threading.Event().wait(0.1)) < 0.5


def test_what_is_not_counted_is_taken_for_busy() -> None:
    busyness = Busyness()
    busyness.close()
    busyness.share(1.0)
    assert busyness.share(2.0) == 1.0
