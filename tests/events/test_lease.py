"""The lease, exactly at its boundary."""

from __future__ import annotations

from events.lease import Lease


def test_never_held_before_the_first_heartbeat() -> None:
    assert Lease(1.0).overdue(5.0) == float("inf")


def test_held_until_its_end_and_not_at_it() -> None:
    lease = Lease(1.0)
    lease.renew(100.0, wall=100.0, monotonic=50.0)
    assert lease.overdue(50.999) is None
    assert lease.overdue(51.0) == 0.0
    assert lease.overdue(53.0) == 2.0


def test_what_a_heartbeat_took_on_its_way_is_taken_off() -> None:
    lease = Lease(1.0)
    lease.renew(100.0, wall=100.25, monotonic=50.0)
    assert lease.overdue(50.5) is None
    assert lease.overdue(50.75) == 0.0


def test_a_heartbeat_older_than_the_lease_gives_none() -> None:
    lease = Lease(1.0)
    lease.renew(100.0, wall=102.0, monotonic=50.0)
    assert lease.overdue(50.0) == 1.0


def test_one_from_a_clock_ahead_counts_as_of_now() -> None:
    lease = Lease(1.0)
    lease.renew(500.0, wall=100.0, monotonic=50.0)
    assert lease.overdue(51.0) == 0.0


def test_an_older_heartbeat_takes_nothing_away() -> None:
    lease = Lease(1.0)
    lease.renew(100.0, wall=100.0, monotonic=50.0)
    lease.renew(99.0, wall=100.0, monotonic=50.0)
    assert lease.until == 51.0


def test_a_dropped_lease_is_overdue_from_then_on() -> None:
    lease = Lease(1.0)
    lease.renew(100.0, wall=100.0, monotonic=50.0)
    lease.drop(50.2)
    assert lease.overdue(50.2) == 0.0
    lease.drop(60.0)
    assert lease.overdue(60.25) == 60.25 - 50.2
