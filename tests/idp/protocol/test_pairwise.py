"""Identifiers that one sector alone sees."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.pairwise import LENGTH, SID_LENGTH, PairwiseSubjects, sector_of

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


SIDS = st.text("abcdefghijABCDEFGHIJ_-0123456789", min_size=22, max_size=22)


@given(SIDS, SIDS, st.text(max_size=60))
def test_a_session_has_one_name_in_a_sector_and_is_found_by_it(one: str, two: str, sector: str) -> None:
    shown = OURS.sid_of(one, sector)
    assert len(shown) == SID_LENGTH
    assert shown == PairwiseSubjects(b"a secret of all nodes").sid_of(one, sector)
    assert OURS.session_of(shown) == one
    assert OURS.sid_of(one, sector + ".") != shown
    assert (OURS.sid_of(two, sector) == shown) is (one == two)
    assert PairwiseSubjects(b"another secret").session_of(shown) == shown


@given(st.one_of(st.text(), SIDS, st.text("abcdefghij_-0123456789", min_size=SID_LENGTH, max_size=SID_LENGTH)))
def test_what_no_sector_was_given_is_what_it_says(text: str) -> None:
    assert OURS.session_of(text) == text


def test_a_sector_is_one_host() -> None:
    assert sector_of(["https://a.example/x", "https://a.example:8443/y"]) == "a.example"
    for uris in ([], ["https://a.example/", "https://b.example/"]):
        with pytest.raises(ValueError):
            sector_of(uris)


def test_the_secret_is_not_shown() -> None:
    assert "secret of all" not in repr(OURS)


@given(st.uuids())
def test_a_device_has_a_name_in_each_sector_which_is_no_person_s(device_id: UUID) -> None:
    names = {OURS.device_of(device_id, sector) for sector in ("a.example", "b.example")}
    assert len(names | {OURS.of(device_id, "a.example")}) == 3
    assert all(OURS.user_of(name, sector) is None for name in names for sector in ("a.example", "b.example"))
