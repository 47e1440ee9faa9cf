"""Who is assigned what, as it is compiled and read again: everything that was said, and nothing else."""

from __future__ import annotations

from hashlib import blake2b
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.artefact import Assignment
from policy.snapshot import Snapshot, assigned, compiled
from tests.policy.samples import policy, rule

_assignments = st.lists(
    st.builds(
        Assignment,
        st.sampled_from(["u-1", "u-2", "u-3", "u-10"]),
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(["*", "org-1", "org-2"]),
    ),
    max_size=30,
)


def found(made: bytes, given_: list[Assignment]) -> dict[tuple[str, str], set[str]]:
    table = Snapshot(1, made)._standings._assigned
    roles = {who: table.find(*who) for who in {(one.organisation, one.subject) for one in given_}}
    assert all(list(each) == sorted(set(each)) for each in roles.values())
    assert table.find("org-1", "nobody") == ()
    return {who: set(each) for who, each in roles.items()}


@given(_assignments, st.randoms())
def test_each_subject_is_found_with_all_its_roles(given_: list[Assignment], random: Random) -> None:
    _check(given_)
    again = list(given_)
    random.shuffle(again)
    assert _made(again) == _made(given_)


@given(_assignments)
def test_subjects_of_which_half_the_hash_is_alike_are_told_apart(given_: list[Assignment]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(assigned, "_digest", _half_alike)
        _check(given_)


def _half_alike(organisation: str, subject: str) -> bytes:
    return bytes(8) + blake2b(f"{organisation} {subject}".encode(), digest_size=8).digest()


def _made(given_: list[Assignment]) -> bytes:
    return compiled(policy(rule("r"), assignments=tuple(given_), roles=("a", "b", "c", "d", "customer")))


def _check(given_: list[Assignment]) -> None:
    expected: dict[tuple[str, str], set[str]] = {}
    for one in given_:
        expected.setdefault((one.organisation, one.subject), set()).add(one.role)
    assert found(_made(given_), given_) == expected
