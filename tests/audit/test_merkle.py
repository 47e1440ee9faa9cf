"""RFC 9162 section 2.1: the roots of the reference tree of Certificate Transparency, as data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle

VECTORS = json.loads(Path(__file__).with_name("rfc9162_vectors.json").read_text())
RECORDS = [bytes.fromhex(record) for record in VECTORS["records"]]


@pytest.mark.parametrize(("size", "root"), list(enumerate(VECTORS["roots"])))
def test_root_of_the_first_records(size, root):
    assert merkle.root(merkle.leaf_hashes(RECORDS[:size])).hex() == root


def from_above(leaves: list[bytes]) -> bytes:
    """The RFC's own recursion: split at the largest power of two below the size."""
    if len(leaves) < 2:
        return merkle.root(leaves)
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.root([from_above(leaves[:k]), from_above(leaves[k:])])


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_building_from_below_is_splitting_from_above(records):
    leaves = merkle.leaf_hashes(records)
    assert merkle.root(leaves) == from_above(leaves)


def test_a_node_is_no_leaf():
    left, right = merkle.leaf_hashes([b"a", b"b"])
    assert merkle.root([left, right]) != merkle.leaf_hash(left + right)
