"""The rules of a session's times, each at its boundary."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from idp.sessions.one_session import in_the_way
from idp.sessions.revoked_tokens import MOST_REVOKED
from idp.sessions.session import ON_ITS_WAY, Session, SessionTimes, Visitor, is_elsewhere

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TIMES = SessionTimes(idle_timeout=timedelta(minutes=30), absolute_lifetime=timedelta(hours=12))
DEVICE = uuid4()
SESSION = Session(
    sid="s" * 22,
    user_id=uuid4(),
    organisation_id=uuid4(),
    version=1,
    cookie_hash=b"",
    visitor=Visitor(device_id=DEVICE, device_label="Chrome · Windows", browser="Chrome", ip="10.0.0.1", place=""),
    amr=("pwd",),
    acr="urn:munjigi:acr:1",
    authenticated_at=NOW,
    created_at=NOW,
    last_activity_at=NOW,
    idle_expires_at=NOW + timedelta(minutes=30),
    absolute_expires_at=NOW + timedelta(hours=12),
)
TICK, SECOND = timedelta(microseconds=1), timedelta(seconds=1)


def test_it_lives_until_just_before_its_idle_limit() -> None:
    assert SESSION.lives(SESSION.idle_expires_at - TICK)
    assert not SESSION.lives(SESSION.idle_expires_at)
    assert SESSION.expiry(SESSION.idle_expires_at) == "idle"


def test_at_the_absolute_limit_the_reason_is_absolute() -> None:
    busy = replace(SESSION, idle_expires_at=SESSION.absolute_expires_at)
    assert busy.lives(busy.absolute_expires_at - TICK)
    assert busy.expiry(busy.absolute_expires_at) == "absolute"


def test_activity_moves_the_idle_limit_to_its_own_moment_and_the_timeout() -> None:
    at = NOW + timedelta(minutes=10)
    touched = SESSION.touched(at, NOW + timedelta(minutes=12), TIMES)
    assert touched is not None
    assert touched.idle_expires_at == at + TIMES.idle_timeout
    assert touched.version == 2


def test_found_after_both_limits_it_ended_by_the_earlier_one() -> None:
    assert SESSION.expiry(SESSION.absolute_expires_at + timedelta(hours=1)) == "idle"
    assert SESSION.ended("idle", None, SESSION.absolute_expires_at).ended_at == SESSION.idle_expires_at


def test_an_act_from_before_the_limit_counts_while_the_news_of_it_is_on_its_way() -> None:
    limit = SESSION.idle_expires_at
    at = limit - timedelta(milliseconds=200)
    touched = SESSION.touched(at, limit + timedelta(milliseconds=50), TIMES)
    assert touched is not None
    assert touched.idle_expires_at == at + TIMES.idle_timeout
    assert SESSION.must_tell(touched, timedelta(), limit)
    assert SESSION.touched(limit - TICK, limit + ON_ITS_WAY - TICK, TIMES) is not None
    assert SESSION.touched(limit, limit + TICK, TIMES) is None  # at the limit it was over
    assert SESSION.touched(at, limit + ON_ITS_WAY, TIMES) is None
    late = replace(SESSION, idle_expires_at=SESSION.absolute_expires_at - TICK)
    assert late.touched(late.idle_expires_at - TICK, SESSION.absolute_expires_at, TIMES) is None


def test_it_remembers_what_of_its_tokens_is_revoked_until_that_is_over_or_it_is() -> None:
    over_at = int(NOW.timestamp()) + 300
    one = SESSION.without("one", over_at, NOW)
    assert one is not None
    two = one.without("two", over_at + 1, NOW)
    assert two is not None
    assert (two.version, two.event()["revoked"]) == (3, ["one", "two"])
    assert two.proven(cookie_hash=b"x", amr=("pwd",), acr="", authenticated_at=NOW).revoked_tokens == two.revoked_tokens
    for at, left in ((300 * SECOND - TICK, {"one", "two"}), (300 * SECOND, {"two"}), (301 * SECOND, set())):
        touched = two.touched(NOW + at, NOW + at, TIMES)
        assert touched is not None
        assert touched.revoked_tokens.keys() == left
    ended = two.ended("sign_out", None, NOW)
    assert ended.event()["revoked"] == [], "all of it is dead"


def test_so_many_tokens_are_remembered_and_no_more() -> None:
    over_at = int(NOW.timestamp()) + 1
    full = replace(SESSION, revoked_tokens={f"t{number}": over_at for number in range(MOST_REVOKED)})
    assert full.without("another", over_at, NOW) is None
    later = full.without("another", over_at + 300, NOW + SECOND)
    assert later is not None
    assert later.revoked_tokens.keys() == {"another"}


def test_activity_never_revives() -> None:
    at = NOW + timedelta(minutes=29)
    assert SESSION.touched(at, SESSION.idle_expires_at + ON_ITS_WAY, TIMES) is None
    ended = SESSION.ended("sign_out", None, NOW + timedelta(minutes=1))
    assert ended.touched(at, at, TIMES) is None


def test_activity_never_shortens_and_the_future_counts_as_now() -> None:
    assert SESSION.touched(NOW - timedelta(minutes=1), NOW, TIMES) is None
    ahead = SESSION.touched(NOW + timedelta(hours=1), NOW + timedelta(seconds=30), TIMES)
    assert ahead is not None
    assert ahead.idle_expires_at == NOW + timedelta(seconds=30) + TIMES.idle_timeout


def test_the_absolute_limit_caps_every_extension() -> None:
    late = replace(SESSION, idle_expires_at=SESSION.absolute_expires_at - timedelta(minutes=1))
    at = SESSION.absolute_expires_at - timedelta(minutes=10)
    touched = late.touched(at, at, TIMES)
    assert touched is not None
    assert touched.idle_expires_at == SESSION.absolute_expires_at


@pytest.mark.parametrize(
    ("at", "now", "held", "told"),
    [
        (timedelta(seconds=20), timedelta(seconds=20), timedelta(), False),
        (timedelta(seconds=20) + TICK, timedelta(seconds=21), timedelta(), True),
        (timedelta(seconds=5), timedelta(seconds=25), timedelta(seconds=20), True),
        (timedelta(seconds=5), timedelta(minutes=27) - TICK, timedelta(), False),
        (timedelta(seconds=5), timedelta(minutes=27), timedelta(), True),
    ],
)
def test_small_steps_wait_except_near_the_end(at: timedelta, now: timedelta, held: timedelta, told: bool) -> None:
    after = SESSION.touched(NOW + at, NOW + now, TIMES)
    assert after is not None
    assert SESSION.must_tell(after, held, NOW + now) is told


def test_an_end_after_expiry_is_the_expiry() -> None:
    ended = SESSION.ended("takeover", {"ip": "10.0.0.2"}, NOW + timedelta(hours=1))
    assert (ended.end_reason, ended.ended_by) == ("idle", None)
    assert ended.ended_at == SESSION.idle_expires_at


def test_the_end_is_the_end() -> None:
    ended = SESSION.ended("sign_out", None, NOW)
    with pytest.raises(ValueError, match="the end"):
        ended.ended("administrator", None, NOW)


def test_what_is_in_the_way_of_a_new_session() -> None:
    assert in_the_way(None, None, NOW) == "none"
    assert in_the_way(SESSION, None, NOW) == "in_the_way"
    assert in_the_way(SESSION, "another", NOW) == "in_the_way"
    assert in_the_way(SESSION, SESSION.sid, NOW) == "agreed"
    assert in_the_way(SESSION, None, SESSION.idle_expires_at) == "expired"


def test_elsewhere_is_another_device_or_another_address() -> None:
    assert not is_elsewhere(SESSION, DEVICE, "10.0.0.1")
    assert is_elsewhere(SESSION, DEVICE, "10.0.0.2")
    assert is_elsewhere(SESSION, uuid4(), "10.0.0.1")
    assert is_elsewhere(SESSION, None, "10.0.0.1")
