"""The rules of a program's session, and its table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.projection import from_event
from gateway.sessions.near_cache import EndedSession, NearCache
from idp.sessions.machine_session import MachineSession
from idp.sessions.revoked_tokens import MOST_REVOKED
from idp.storage.grant_tables import metadata
from tests.idp.conftest import OpenDatabase
from tests.schema import declared_columns, live_columns

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def session(**revoked: int) -> MachineSession:
    return MachineSession(
        sid="s" * 22,
        client_id="nightly",
        version=1,
        created_at=BEGAN,
        expires_at=BEGAN + timedelta(hours=12),
        revoked_tokens=revoked,
    )


def test_it_lives_until_just_before_its_limit() -> None:
    limit = BEGAN + timedelta(hours=12)
    assert session().lives(limit - timedelta(microseconds=1))
    assert not session().lives(limit)
    ended = session().ended("administrator", limit)
    assert (ended.end_reason, ended.ended_at, ended.version) == ("absolute", limit, 2)
    assert not ended.lives(BEGAN)
    with pytest.raises(ValueError, match="the end"):
        ended.ended("administrator", limit)


def test_so_many_tokens_are_remembered_and_no_more() -> None:
    now = BEGAN.timestamp()
    full = session(**{f"t{number}": int(now) + 1 for number in range(MOST_REVOKED)})
    assert full.without("another", int(now) + 1, BEGAN) is None
    later = full.without("another", int(now) + 300, BEGAN + timedelta(seconds=1))
    assert later is not None
    assert set(later.revoked_tokens) == {"another"}  # the others are over


@given(st.permutations(range(4)))
def test_in_whatever_order_news_comes_the_newest_counts_and_the_end_is_the_end(order: list[int]) -> None:
    """A gateway's cache, fed by events as they are told, some late."""
    first = session()
    second = first.without("a", 2**40, BEGAN)
    assert second is not None
    third = second.without("b", 2**40, BEGAN)
    assert third is not None
    told = [one.event() for one in (first, second, third, third.ended("client_disabled", BEGAN))]
    cache, seen = NearCache(), -1
    for position in order:
        state = from_event(told[position])
        if state.state == "ended":
            cache.learn_ended(EndedSession(state.sid, state.version, state.reason or "", 0.0), now=0.0)
        else:
            cache.learn_live(
                state.sid,
                state.version,
                idle_expires_at=state.idle_expires_at,
                absolute_expires_at=state.absolute_expires_at,
                revoked=frozenset(state.revoked),
            )
        seen = max(seen, position)
        found = cache.find(first.sid)
        if seen == 3:
            assert isinstance(found, EndedSession)
        else:
            assert found is not None
            assert not isinstance(found, EndedSession)
            assert found.revoked == {0: set(), 1: {"a"}, 2: {"a", "b"}}[seen]
            assert found.expires_at == first.expires_at.timestamp()


async def test_columns(database: OpenDatabase) -> None:
    names = {table.name for table in metadata.tables.values()}
    async with database("owner").connect() as connection:
        live = await live_columns(connection, "idp")
        declared = declared_columns(connection, metadata)
    assert declared == {key: value for key, value in live.items() if key[0] in names}
