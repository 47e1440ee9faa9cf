"""What waits for a person's word: its pure rules, whatever happens in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.grants.pending import INTERVAL, PendingGrant

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINA, JUN = UUID(int=1), UUID(int=2)
ASKED = PendingGrant(
    kind="backchannel",
    code_hash=b"x" * 32,
    request_id=UUID(int=9),
    client_id="till",
    scope=("openid",),
    user_id=None,
    asked_of=MINA,
    came_from={},
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=10),
    interval=INTERVAL,
)


@given(st.sampled_from((None, MINA, JUN)), st.sampled_from((MINA, JUN)), st.booleans())
def test_only_whoever_was_asked_answers(asked_of: UUID | None, who: UUID, allowed: bool) -> None:
    request = replace(ASKED, asked_of=asked_of)
    if asked_of != who:
        with pytest.raises(ValueError, match="somebody else"):
            request.answered(who, "sid", allowed=allowed)
        return
    answered = request.answered(who, "sid", allowed=allowed)
    assert (answered.state, answered.sid) == (("approved", "sid") if allowed else ("refused", None))
    with pytest.raises(ValueError, match="already"):
        answered.answered(who, "sid", allowed=not allowed)


@given(st.lists(st.floats(min_value=0, max_value=120), max_size=30))
def test_the_interval_never_shrinks_and_nobody_is_let_in_unanswered(waits: list[float]) -> None:
    request, now = ASKED, NOW
    for wait in waits:
        now += timedelta(seconds=wait)
        said = request.poll(now)
        assert said == "expired" if now >= request.expires_at else said in ("pending", "slow_down")
        assert said != "slow_down" or (request.polled_at is not None and now < request.polled_at + request.interval)
        polled = request.polled(now)
        assert polled.interval == request.interval + (timedelta(seconds=5) if said == "slow_down" else timedelta())
        request = polled


@given(st.floats(min_value=-600, max_value=600))
def test_it_is_over_exactly_then(seconds: float) -> None:
    moment = ASKED.expires_at + timedelta(seconds=seconds)
    assert ASKED.waits(moment) == (moment < ASKED.expires_at)
    approved = ASKED.answered(MINA, "sid", allowed=True)
    assert approved.poll(moment) == ("approved" if moment < ASKED.expires_at else "expired")
    assert replace(ASKED, state="expired").poll(moment) == "expired"
