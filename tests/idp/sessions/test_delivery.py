"""What an answer means, and how long to wait: at the boundaries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idp.sessions.delivery import FIRST_WAIT, LONGEST_WAIT, MOST_ATTEMPTS, judge, wait
from idp.sessions.lanes import LONGEST_REST, Lanes
from idp.sessions.loopback import reachable
from tests.clock import FakeClock


@pytest.mark.parametrize("status", [200, 202, 204])
def test_taken(status: int) -> None:
    assert judge(status, MOST_ATTEMPTS) == "delivered"


@pytest.mark.parametrize("status", [None, 404, 408, 429, 500, 503])
def test_what_may_be_better_later_is_tried_again_until_the_last_try(status: int | None) -> None:
    assert judge(status, MOST_ATTEMPTS - 1) == "again"
    assert judge(status, MOST_ATTEMPTS) == "dead"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 410])
def test_a_refusal_is_dead_at_once(status: int) -> None:
    assert judge(status, 1) == "dead"


def test_waits_double_and_are_bounded() -> None:
    assert [wait(n, 1.0) for n in (1, 2, 3)] == [FIRST_WAIT, FIRST_WAIT * 2, FIRST_WAIT * 4]
    assert wait(1, 0.0) == FIRST_WAIT / 2
    assert wait(10_000, 1.0) == LONGEST_WAIT
    assert timedelta(hours=1) < sum((wait(n, 0.5) for n in range(1, MOST_ATTEMPTS)), timedelta()) < timedelta(hours=4)


def test_a_silent_recipient_rests_longer_each_time_and_is_forgotten_when_well(clock: FakeClock) -> None:
    lanes: Lanes[str] = Lanes(clock)
    for silence, rest in ((1, 1.0), (2, 2.0), (3, 4.0), (20, LONGEST_REST)):
        while lanes._lanes.get("app") is None or lanes._lanes["app"].silences < silence:
            lanes.enter("app")
            assert lanes.closed() == ["app"]
            lanes.leave("app", answered=False)
        clock.advance(rest - 0.001)
        assert lanes.closed() == ["app"]
        clock.advance(0.001)
        assert lanes.closed() == []
    lanes.enter("app")
    lanes.leave("app", answered=True)
    assert lanes.closed() == []
    assert not lanes._lanes


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://app.example/bye?x=1", ("https://app.example/bye?x=1", None)),
        ("http://localhost:9/bye", ("http://localhost:9/bye", None)),
        ("http://app.localhost:9100/bye?x=1", ("http://127.0.0.1:9100/bye?x=1", "app.localhost:9100")),
        ("http://app.localhost/bye", ("http://127.0.0.1/bye", "app.localhost")),
        ("https://localhost.example/bye", ("https://localhost.example/bye", None)),
    ],
)
def test_names_under_localhost_are_this_machine(uri: str, expected: tuple[str, str | None]) -> None:
    assert reachable(uri) == expected
