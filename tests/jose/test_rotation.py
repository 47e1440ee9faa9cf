"""What is due of a key's life, by time, by command, and after a leak."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sections.identity import KeySettings
from config.settings import Settings
from jose.keys import ES256, RS256
from jose.rotation import (
    SPARE,
    Hasten,
    KeyRecord,
    Make,
    Retire,
    Schedule,
    StillSigns,
    Switch,
    due,
    hastened,
    prepared,
    replaced,
    withdrawn,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SCHEDULE = Schedule(rotate_every=30 * DAY, publish_ahead=DAY, keep=timedelta(hours=13))
ACTIVE = KeyRecord(kid="a", algorithm=ES256, state="active", created_at=START, activated_at=START)
NEXT = KeyRecord(kid="n", algorithm=ES256, state="next", created_at=START + 29 * DAY, activates_at=START + 30 * DAY)
TICK = timedelta(microseconds=1)


def moves(now, *keys, algorithms=(ES256,)):
    return list(due(keys, algorithms, SCHEDULE, now))


def test_the_first_key_signs_at_once():
    assert moves(START, algorithms=(ES256, RS256)) == [Make(ES256, None), Make(RS256, None)]
    assert moves(START, ACTIVE, algorithms=(ES256, RS256)) == [Make(RS256, None)]


def test_a_next_key_is_made_a_day_before_it_signs():
    assert moves(START + 29 * DAY - TICK, ACTIVE) == []
    assert moves(START + 29 * DAY, ACTIVE) == [Make(ES256, START + 30 * DAY)]


def test_whoever_comes_late_publishes_for_as_long():
    late = START + 100 * DAY
    assert moves(late, ACTIVE) == [Make(ES256, late + DAY)]


def test_the_next_key_signs_when_its_time_has_come():
    assert moves(START + 30 * DAY - TICK, ACTIVE, NEXT) == []
    now = START + 30 * DAY
    assert moves(now, ACTIVE, NEXT) == [Switch(ACTIVE, NEXT, now + SCHEDULE.keep)]


def test_a_retiring_key_goes_when_nothing_of_it_lives():
    retiring = KeyRecord(kid="r", algorithm=ES256, state="retiring", created_at=START, retires_at=START + DAY)
    gone = KeyRecord(kid="g", algorithm=ES256, state="retired", created_at=START, retires_at=START)
    assert moves(START + DAY - TICK, ACTIVE, retiring, gone) == []
    assert moves(START + DAY, ACTIVE, retiring, gone) == [Retire(retiring)]


def test_by_command_a_key_is_published_for_as_long():
    now = START + 3 * DAY
    assert list(hastened([ACTIVE], (ES256,), SCHEDULE, now)) == [Make(ES256, now + DAY)]


@pytest.mark.parametrize(
    ("since_created", "earliest"), [(timedelta(0), DAY), (DAY - TICK, DAY), (DAY, DAY), (10 * DAY, 10 * DAY)]
)
def test_by_command_a_next_key_signs_once_it_was_published_for_long_enough(since_created, earliest):
    far = KeyRecord(kid="n", algorithm=ES256, state="next", created_at=START, activates_at=START + 20 * DAY)
    hasten = Hasten(far, START + earliest)
    assert list(hastened([ACTIVE, far], (ES256,), SCHEDULE, START + since_created)) == [hasten]


def test_a_next_key_that_is_prepared_signs_when_it_would_have():
    assert list(prepared([ACTIVE], (ES256,), SCHEDULE, START + DAY)) == [Make(ES256, START + 30 * DAY)]
    late = START + 100 * DAY
    assert list(prepared([ACTIVE], (ES256,), SCHEDULE, late)) == [Make(ES256, late + DAY)]
    assert list(prepared([ACTIVE, NEXT], (ES256,), SCHEDULE, START + 29 * DAY)) == []
    assert list(prepared([], (ES256,), SCHEDULE, START)) == []


def test_whatever_does_not_sign_may_be_withdrawn():
    retiring = KeyRecord(kid="r", algorithm=ES256, state="retiring", created_at=START, retires_at=START + DAY)
    gone = KeyRecord(kid="g", algorithm=ES256, state="retired", created_at=START)
    keys = [ACTIVE, NEXT, retiring, gone]
    assert [list(withdrawn(keys, kid)) for kid in ("n", "r", "g", "x")] == [[Retire(NEXT)], [Retire(retiring)], [], []]
    with pytest.raises(StillSigns):
        list(withdrawn(keys, "a"))


def test_a_command_never_puts_a_rotation_off():
    assert list(hastened([ACTIVE, NEXT], (ES256,), SCHEDULE, START + 29 * DAY)) == []


def test_after_a_leak_everything_goes():
    retiring = KeyRecord(kid="r", algorithm=ES256, state="retiring", created_at=START, retires_at=START + DAY)
    gone = KeyRecord(kid="g", algorithm=ES256, state="retired", created_at=START)
    assert list(replaced([gone, retiring, ACTIVE, NEXT], (ES256, RS256))) == [
        *(Retire(key) for key in (retiring, ACTIVE, NEXT)),
        Make(ES256, None),
        Make(RS256, None),
    ]


@given(
    st.lists(st.one_of(st.integers(1, 40 * 86_400), st.just("command")), min_size=1, max_size=40),
    st.booleans(),
)
def test_whatever_happens_a_key_is_published_long_enough_and_kept_long_enough(happenings, punctual):
    """A history of looks at odd moments and of commands: nothing signs that was not published for a day, and nothing
    goes that signed within the last 13 hours."""
    now, keys, numbers = START, [ACTIVE], iter(range(10_000))

    def carry_out(rule):
        for move in list(rule):
            if isinstance(move, Make):
                assert move.activates_at is not None
                keys.append(
                    KeyRecord(
                        kid=str(next(numbers)),
                        algorithm=ES256,
                        state="next",
                        created_at=now,
                        activates_at=move.activates_at,
                    )
                )
            elif isinstance(move, Hasten):
                put(move.key, activates_at=move.activates_at)
            elif isinstance(move, Switch):
                assert now - move.following.created_at >= SCHEDULE.publish_ahead
                put(move.active, state="retiring", retires_at=move.retires_at, activates_at=now)
                put(move.following, state="active", activated_at=now)
            else:
                assert now - move.key.activates_at >= SCHEDULE.keep
                put(move.key, state="retired")

    def put(key, **members):
        keys[[one.kid for one in keys].index(key.kid)] = replace(key, **members)

    for happening in happenings:
        if happening == "command":
            carry_out(hastened(keys, (ES256,), SCHEDULE, now))
        else:
            now += timedelta(seconds=happening)
        carry_out(due(keys, (ES256,), SCHEDULE, now))
        if punctual:
            carry_out(due(keys, (ES256,), SCHEDULE, now))
        assert [key.state for key in keys].count("active") == 1
        assert [key.state for key in keys].count("next") <= 1


def test_the_settings_keep_a_key_for_longer_than_an_id_token_is_a_hint():
    settings = Settings()
    schedule = Schedule.of(settings)
    assert schedule.keep == timedelta(hours=12, minutes=5) + SPARE
    assert schedule.publish_ahead == DAY
    assert schedule.rotate_every == 30 * DAY
    with pytest.raises(ValueError, match="PUBLISH_AHEAD"):
        KeySettings(rotate_every=86_400, publish_ahead=86_400)
