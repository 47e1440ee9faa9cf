"""The judgement of a refresh token, and its successor."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from idp.tokens.refresh_family import RETRY_WINDOW, Family, Presented, Successors, judge

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FAMILY = Family(
    id=UUID(int=1),
    client_id="app",
    user_id=UUID(int=2),
    sid="s" * 22,
    scope=("openid",),
    expires_at=NOW + timedelta(hours=1),
)
CURRENT = Presented(family=FAMILY, rotated_at=None)
USED = Presented(family=FAMILY, rotated_at=NOW - RETRY_WINDOW + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("presented", "successor_is_current", "judgement"),
    [
        (CURRENT, False, "rotate"),
        (USED, True, "retry"),
        (USED, False, "reuse"),
        (replace(USED, rotated_at=NOW - RETRY_WINDOW), True, "reuse"),
        (replace(CURRENT, family=replace(FAMILY, revoked_at=NOW)), False, "dead"),
        (replace(CURRENT, family=replace(FAMILY, expires_at=NOW)), False, "dead"),
        (replace(USED, family=replace(FAMILY, revoked_at=NOW)), False, "dead"),
    ],
)
def test_judgement(presented: Presented, successor_is_current: bool, judgement: str) -> None:
    assert judge(presented, successor_is_current=successor_is_current, now=NOW) == judgement


def test_a_successor_needs_the_key() -> None:
    one, other = Successors(b"one"), Successors(b"other")
    assert one.of("token") == one.of("token")
    assert len({one.of("token"), other.of("token"), one.of("tokem"), one.of(one.of("token"))}) == 4
    assert len(one.of("token")) == 43
    assert "one" not in repr(one)
