"""The near cache against a model: whatever the order of news, no ended session lives (S3, S4)."""

from __future__ import annotations

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.sessions.near_cache import EndedSession, LiveSession, NearCache

SIDS = st.sampled_from(["a", "b", "c"])
VERSIONS = st.integers(min_value=1, max_value=9)


class Cache(RuleBasedStateMachine):
    """Fills that were read early arrive late; events arrive in any order; resets come in between."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = NearCache(live_limit=2)
        self.ended: set[str] = set()
        self.highest: dict[str, int] = {}
        self.reads: list[tuple[str, int, int]] = []

    @rule(sid=SIDS, version=VERSIONS)
    def a_live_event_arrives(self, sid: str, version: int) -> None:
        taken = self.cache.learn_live(sid, version, idle_expires_at=100.0 + version, absolute_expires_at=1000.0)
        assert not (taken and sid in self.ended)
        if taken:
            assert version >= self.highest.get(sid, 0) or sid not in self.highest
            self.highest[sid] = version

    @rule(sid=SIDS, version=VERSIONS)
    def an_end_arrives(self, sid: str, version: int) -> None:
        self.cache.learn_ended(EndedSession(sid, version, "takeover", 50.0), now=50.0)
        self.ended.add(sid)

    @rule(sid=SIDS, version=VERSIONS)
    def a_fill_reads(self, sid: str, version: int) -> None:
        self.reads.append((sid, version, self.cache.generation))

    @rule()
    def a_fill_arrives(self) -> None:
        if self.reads:
            sid, version, generation = self.reads.pop(0)
            if generation == self.cache.generation:
                self.a_live_event_arrives(sid, version)

    @rule()
    def something_was_missed(self) -> None:
        self.cache.reset()
        self.highest.clear()

    @rule(sid=SIDS)
    def a_person_acts(self, sid: str) -> None:
        before = self.cache.find(sid)
        until = before.idle_expires_at if isinstance(before, LiveSession) else None
        self.cache.touch(sid, 10.0, 50.0)
        after = self.cache.find(sid)
        if until is not None:
            assert isinstance(after, LiveSession)
            assert after.idle_expires_at >= until

    @invariant()
    def the_end_is_the_end(self) -> None:
        for sid in self.ended:
            assert isinstance(self.cache.find(sid), EndedSession)

    @invariant()
    def it_is_bounded(self) -> None:
        assert len(self.cache.live) <= 2
        for sid in list(self.highest):
            if sid not in self.cache.live:
                del self.highest[sid]


TestCache = Cache.TestCase
TestCache.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_tombstones_outlast_their_lifetime_exactly_and_no_longer() -> None:
    cache = NearCache(tombstone_lifetime=3600.0)
    cache.learn_ended(EndedSession("a", 1, "idle", 0.0), now=0.0)
    cache.forget_old(3599.999)
    assert "a" in cache.ended
    cache.forget_old(3600.0)
    assert "a" not in cache.ended


def test_the_oldest_tombstones_go_past_the_bound() -> None:
    cache = NearCache(tombstone_limit=2)
    for at, sid in enumerate("abc"):
        cache.learn_ended(EndedSession(sid, 1, "idle", float(at)), now=float(at))
    assert list(cache.ended) == ["b", "c"]


def test_a_later_word_adds_who_ended_it() -> None:
    cache = NearCache()
    cache.learn_ended(EndedSession("a", 3, "takeover", 1.0), now=1.0)
    assert not cache.learn_ended(EndedSession("a", 3, "takeover", 1.0, {"device": "phone"}), now=1.0)
    assert cache.ended["a"].ended_by == {"device": "phone"}
