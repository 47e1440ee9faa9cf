"""The bytes of a compiled policy: taken up whole or not at all, read within bounds, found whatever their number."""

from __future__ import annotations

import gc
import struct
from hashlib import blake2b
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.artefact import Assignment, Inheritance, Resource, RuleEffect, Zone
from policy.decide import decide
from policy.snapshot import FORMAT, Snapshot, compile_policy, compiled
from policy.snapshot.layout import UnreadableSnapshot
from tests.policy.samples import MONDAY_NOON, policy, request, rule

SMALL = compiled(
    policy(
        rule("deny", "/secret/*", effect=RuleEffect.DENY, role="*"),
        rule("one", "/things/:id", condition="risk < 60"),
        rule("all", "/**", methods=("GET", "POST")),
        inheritance=(Inheritance("customer", "reader"),),
        assignments=(Assignment("u-1", "reader"), Assignment("u-2", "customer", "org-1")),
    )
)
ASKED = [request(method, path) for method in ("GET", "PUT") for path in ("/", "/things/7", "/secret/x", "/a/b/c")]


def test_the_same_policy_is_the_same_bytes() -> None:
    rules = [rule(f"r{number}", f"/a{number % 7}/:id", role=f"role{number}") for number in range(50)]
    assert compiled(policy(*rules)) == compiled(policy(*reversed(rules)))


@given(st.integers(0, len(SMALL)))
def test_cut_off_anywhere_it_is_refused(length: int) -> None:
    if length < len(SMALL):
        with pytest.raises(UnreadableSnapshot):
            Snapshot(1, SMALL[:length])
    with pytest.raises(UnreadableSnapshot):
        Snapshot(1, SMALL + b"\0" * (length + 1))


@pytest.mark.parametrize("number", [0, FORMAT + 1, 2**32 - 1])
def test_another_format_is_refused(number: int) -> None:
    with pytest.raises(UnreadableSnapshot, match=f"its format is {number}, this code reads {FORMAT}"):
        Snapshot(1, SMALL[:8] + struct.pack("=I", number) + SMALL[12:])


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(12, len(SMALL) - 1), st.binary(min_size=1, max_size=8))
def test_bytes_that_were_signed_though_they_are_wrong_lead_nowhere(place: int, garbage: bytes) -> None:
    """Only a fault of the compiler could make such: whatever they say, nothing but an answer comes of it."""
    wrong = SMALL[:place] + garbage + SMALL[place + len(garbage) :]
    try:
        snapshot = Snapshot(1, wrong[: len(SMALL)])
    except ValueError:
        return
    for asked in ASKED:
        decide(asked, snapshot)


def test_every_number_that_points_beyond_its_section_is_an_error_not_another_rule() -> None:
    snapshot = compile_policy(policy(rule("only", "/**")), 1)
    with pytest.raises(IndexError):
        snapshot._rule(1)


def test_words_of_one_check_are_told_apart() -> None:
    seen: dict[int, list[str]] = {}
    for number in range(300_000):
        word = blake2b(str(number).encode(), digest_size=6).hexdigest()
        seen.setdefault(crc32(word.encode()), []).append(word)
    alike = [word for words in seen.values() if len(words) > 1 for word in words]
    assert alike
    snapshot = compile_policy(policy(*(rule(word, f"/{word}") for word in alike[::2])), 1)
    standing = snapshot.standing("o", frozenset({"customer"}))
    for word in alike:
        found = snapshot.candidates(standing, "shop", "GET", f"/{word}")
        assert [each.rule.id for each in found] == ([word] if word in alike[::2] else [])


def test_zones_are_found_and_counted_without_being_decoded() -> None:
    snapshot = compile_policy(policy(rule("a"), zones=tuple(Zone(f"z{number}") for number in range(40))), 1)
    assert len(snapshot.zones) == len(list(snapshot.zones)) == 40
    assert "z7" in snapshot.zones
    assert snapshot.zone("z7") == Zone("z7")
    assert snapshot.zone("z40") is None
    assert "z40" not in snapshot.zones


def test_only_zones_in_which_something_changed_are_told() -> None:
    both = (Zone("shop"), Zone("admin"))
    former = compile_policy(policy(rule("a"), rule("b", zone="admin"), zones=both), 1)
    same = compile_policy(policy(rule("a"), rule("b", zone="admin"), zones=both), 2)
    one = compile_policy(policy(rule("a"), rule("b", "/x", zone="admin"), zones=both), 2)
    assigned = compile_policy(
        policy(rule("a"), rule("b", zone="admin"), zones=both, assignments=(Assignment("u-1", "customer"),)), 2
    )
    assert same.changed_zones(former) == frozenset()
    assert one.changed_zones(former) == {"admin"}
    assert assigned.changed_zones(former) == {"shop", "admin"}


def test_a_resource_that_changes_changes_the_zone() -> None:
    def at(path: str) -> Snapshot:
        return compile_policy(policy(rule("a", "@things"), resources=(Resource("things", "shop", (path,)),)), 1)

    assert at("/a").changed_zones(at("/b")) == {"shop"}


def test_paths_and_methods_from_outside_grow_nothing() -> None:
    snapshot = compile_policy(policy(rule("a", "/a/:id", methods=("GET",)), rule("b", "/b/*")), 1)
    standing = snapshot.standing("o", frozenset({"customer"}))
    for number in range(100):
        for zone in ("shop", f"zone-{number}"):
            snapshot.candidates(standing, zone, f"M{number}", f"/a/{number}")
            snapshot.candidates(standing, zone, "GET", f"/{number}/x/y")
            snapshot.candidates(standing, zone, "GET", f"/b/{number}//{number}")
    made = snapshot._reach.made
    for number in range(100, 5_000):
        snapshot.candidates(standing, f"zone-{number}", f"M{number}", f"/a/{number}")
        snapshot.candidates(standing, "shop", f"M{number}", f"/{number}/x/y")
    assert snapshot._reach.made == made


def test_what_is_kept_of_a_large_policy_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.snapshot.snapshot.KEPT", 50)
    rules = [rule(f"r{number}", f"/a{number}/b") for number in range(200)]
    snapshot = compile_policy(policy(*rules), 1)
    standing = snapshot.standing("o", frozenset({"customer"}))
    for _ in range(2):
        for number in range(200):
            (found,) = snapshot.candidates(standing, "shop", "GET", f"/a{number}/b")
            assert found.rule.id == f"r{number}"
            assert snapshot._reach.made + len(snapshot._rules) <= 50 + 10


def test_a_million_assignments_are_no_objects() -> None:
    """Scaled down: what is taken up does not grow with them, and each is found."""
    many = tuple(Assignment(f"u-{number}", f"role-{number % 3}", "org-1") for number in range(20_000))
    given_policy = policy(rule("a", role="role-1"), assignments=many, roles=("role-0", "role-1", "role-2"))
    made = compiled(given_policy)
    gc.collect()
    before = len(gc.get_objects())
    snapshot = Snapshot(1, made)
    assert len(gc.get_objects()) - before < 100
    for number in (0, 1, 2, 9_999, 19_999):
        asked = request(id=f"u-{number}", organisation="org-1", roles=frozenset(), at=MONDAY_NOON)
        assert (decide(asked, snapshot).winner == "a") is (number % 3 == 1)
        elsewhere = request(id=f"u-{number}", organisation="org-2", roles=frozenset(), at=MONDAY_NOON)
        assert decide(elsewhere, snapshot).winner == ""
