"""The projection's rules (S3, S4), and the script in Valkey held against them, in whatever order things arrive."""

from __future__ import annotations

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config import key_space
from events.projection import TOMBSTONE_SECONDS, SessionState, from_event, next_state
from events.storage.stream import EventStream

SID = "a" * 22
FAR = 4_000_000_000.0

live = st.builds(
    SessionState,
    sid=st.just(SID),
    sub=st.just("minji"),
    version=st.integers(1, 6),
    state=st.just("live"),
    idle_expires_at=st.floats(FAR, FAR + 9, allow_nan=False),
    absolute_expires_at=st.just(FAR + 10),
    revoked=st.sampled_from([(), ("one",), ("one", "two")]),
)
ended = st.builds(
    SessionState,
    sid=st.just(SID),
    sub=st.just("minji"),
    version=st.integers(1, 6),
    state=st.just("ended"),
    idle_expires_at=st.just(FAR),
    absolute_expires_at=st.just(FAR + 10),
    reason=st.sampled_from(["takeover", "sign_out"]),
)
histories = st.lists(live | ended, max_size=8)


def folded(history: list[SessionState]) -> SessionState | None:
    state = None
    for told in history:
        state = next_state(state, told)
    return state


@given(histories, live | ended)
def test_what_ended_never_lives_again(history, told):
    before = folded(history)
    if before is not None and before.state == "ended":
        assert next_state(before, told) == before


@given(histories)
def test_one_end_anywhere_is_the_end(history):
    state = folded(history)
    assert (state is not None and state.state == "ended") == any(told.state == "ended" for told in history)


@given(st.lists(live, min_size=1, max_size=8))
def test_the_version_of_a_living_session_only_rises(history):
    state = None
    for told in history:
        after = next_state(state, told)
        assert state is None or after.version >= state.version
        state = after
    assert state is not None
    assert state.version == max(told.version for told in history)


@given(histories)
def test_telling_twice_changes_nothing(history):
    assert folded(history + history[-1:]) == folded(history)


@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
async def test_the_script_does_what_the_rules_say(valkey, history):
    await valkey.flushall()
    stream = EventStream(valkey)
    for told in history:
        await stream.project([told])
    assert await stream.projection(SID) == folded(history)


async def test_a_tombstone_lives_for_an_hour_and_a_projection_past_its_session(valkey):
    stream = EventStream(valkey)
    start = SessionState("x", "minji", 1, "live", FAR, FAR + 1)
    await stream.project([start, SessionState("y", "minji", 2, "ended", FAR, FAR + 1, "idle")])
    assert await valkey.ttl(key_space.session("y")) in range(TOMBSTONE_SECONDS - 5, TOMBSTONE_SECONDS + 1)
    assert await valkey.expiretime(key_space.session("x")) == int(FAR + 1) + TOMBSTONE_SECONDS


def test_an_event_is_read_as_the_house_writes_it():
    payload = {
        "sid": SID, "sub": "minji", "version": 3, "state": "ended", "idle_expires_at": 1.5, "absolute_expires_at": 2,
        "reason": "takeover", "ended_by": {"ip": "192.0.2.1"}, "at": 1.0,
    }  # fmt: skip
    assert from_event(payload) == SessionState(SID, "minji", 3, "ended", 1.5, 2.0, "takeover")
