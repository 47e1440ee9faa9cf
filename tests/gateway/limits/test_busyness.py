"""How busy a process is."""

from __future__ import annotations

import time

import pytest

from gateway.limits.busyness import Busyness


class Counted:
    """Processor time by hand."""

    def __init__(self) -> None:
        self.seconds = 5.0

    def __call__(self) -> float:
        return self.seconds


def test_it_is_the_share_since_it_was_asked_last() -> None:
    counted = Counted()
    busyness = Busyness(counted)
    assert busyness.share(100.0) == 1.0, "of nothing nothing can be said"
    counted.seconds += 0.09
    assert busyness.share(100.1) == pytest.approx(0.9)
    assert busyness.share(100.2) == 0.0
    counted.seconds += 0.2
    assert busyness.share(100.3) == 1.0, "two threads at once are no more than all of it"
    assert busyness.share(100.3) == 1.0, "no time has passed"


def test_other_threads_than_the_one_that_asks_count() -> None:
    assert Busyness()._counted is time.process_time
