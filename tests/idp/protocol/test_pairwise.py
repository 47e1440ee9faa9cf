"""Identifiers that one sector alone sees."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.pairwise import LENGTH, PairwiseSubjects

OURS = PairwiseSubjects(b"a secret of all nodes")


@given(st.uuids(), st.text(max_size=60))
def test_a_person_is_found_again_and_is_always_the_same(user_id: UUID, sector: str) -> None:
    subject = OURS.of(user_id, sector)
    assert len(subject) == LENGTH
    assert subject == PairwiseSubjects(b"a secret of all nodes").of(user_id, sector)
    assert OURS.user_of(subject, sector) == user_id


@given(st.uuids(), st.uuids(), st.sampled_from(["a.example", "b.example"]))
def test_neither_another_sector_nor_another_key_nor_another_person_gives_the_same(
    one: UUID, two: UUID, sector: str
) -> None:
    subject = OURS.of(one, sector)
    assert OURS.user_of(subject, sector + ".") is None
    assert PairwiseSubjects(b"another secret").user_of(subject, sector) is None
    assert (OURS.of(two, sector) == subject) is (one == two)


@given(st.one_of(st.text(), st.text("abcdefghij_-0123456789", min_size=LENGTH, max_size=LENGTH)))
def test_what_was_not_given_out_is_nobody(text: str) -> None:
    assert OURS.user_of(text, "a.example") is None


def test_the_secret_is_not_shown() -> None:
    assert "secret of all" not in repr(OURS)
