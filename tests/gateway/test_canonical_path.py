"""One form of a path or none (RFC 3986, section 6.2.2; the faults of the peers that the proxy check list names)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.canonical_path import AmbiguousTarget, CanonicalTargets, canonical_path

SAME = [b"/", b"/a", b"/a/", b"/a/b.c", b"/...", b"/a..b", b"/.well-known/x", b"/a:b@c!$&'()*+,=", b"/~u/-_", b"/%20x"]
CHANGED = {
    b"/%61%62": b"/ab",
    b"/%7Euser": b"/~user",
    b"/%7euser": b"/~user",
    b"/a%2db": b"/a-b",
    b"/%ed%95%9c": b"/%ED%95%9C",
    b"/%2ea": b"/.a",
    b"/%c3%A9": b"/%C3%A9",
    b"/a%20b%21": b"/a%20b%21",
}
REFUSED = [
    b"", b"a", b"*", b"http://x/", b"//", b"//evil", b"/a//b", b"/a//",
    b"/.", b"/..", b"/./a", b"/a/.", b"/a/..", b"/a/../b", b"/%2e", b"/%2e%2e/a", b"/.%2E/a", b"/a/%2e./b",
    b"/a%2fb", b"/a%2Fb", b"/a%5cb", b"/a%5C..", b"/a\\b", b"/a%00", b"/%0d%0a", b"/%7f", b"/%1f",
    b"/%252e", b"/%252f", b"/%25", b"/%25%32%46", b"/%2525", b"/%", b"/%4", b"/%g1", b"/a%u002f",
    b"/a#b", b"/a%23b", b"/a;x", b"/a;x=1/b", b"/..;/a", b"/a%3bx", b"/a%3Fb",
    b"/%c0%af", b"/%c0%ae", b"/%e0%80%af", b"/%f0%80%80%af", b"/%c1%9c", b"/%ed%a0%80", b"/%ff", b"/%c3", b"/%80",
    b"/%c2%85", b"/%ef%bc%8f", b"/%ef%bc%8e%ef%bc%8e/", b"/%ef%bc%bc", b"/%e2%80%a4%e2%80%a4",
    b"/\xc3\xa9", b"/a b", b"/a\tb", b"/a\r\nb", b"/a\0", b"/<", b'/"', b"/a|b", b"/a^b", b"/`", b"/{a}", b"/[a]",
]  # fmt: skip


@pytest.mark.parametrize("path", SAME)
def test_a_plain_path_stays(path: bytes) -> None:
    assert canonical_path(path) == path


@pytest.mark.parametrize("path", CHANGED)
def test_one_form_stands_for_all_that_mean_the_same(path: bytes) -> None:
    assert canonical_path(path) == CHANGED[path]


@pytest.mark.parametrize("path", REFUSED)
def test_an_ambiguous_path_is_refused(path: bytes) -> None:
    with pytest.raises(AmbiguousTarget):
        canonical_path(path)


@given(st.lists(st.sampled_from([b"/", b"a", b".", b"%2e", b"%2F", b"%41", b"%", b"25", b"%c3%a9", b";", b"\\"])))
def test_what_passes_is_its_own_canonical_form(parts: list[bytes]) -> None:
    try:
        once = canonical_path(b"/" + b"".join(parts))
    except AmbiguousTarget:
        return
    assert canonical_path(once) == once
    assert not {b".", b".."} & set(once.split(b"/"))


def test_the_query_is_parted_and_left_as_it_is() -> None:
    targets = CanonicalTargets()
    assert targets.split(b"/a?b=%2F..&c=?") == (b"/a", b"b=%2F..&c=?")
    assert targets.split(b"/a?") == (b"/a", b"")


@pytest.mark.parametrize("target", [b"/a?b#c", b"/a#?b", b"/a?\xff", b"/a? b"])
def test_a_fragment_or_a_raw_byte_in_the_query_is_refused(target: bytes) -> None:
    with pytest.raises(AmbiguousTarget):
        CanonicalTargets().split(target)


def test_the_memory_is_bounded_and_never_holds_what_was_refused() -> None:
    targets = CanonicalTargets(capacity=10)
    for number in range(100):
        assert targets.split(b"/%%61%d" % number)[0] == b"/a%d" % number
        with pytest.raises(AmbiguousTarget):
            targets.split(b"/%%2f%d" % number)
        assert len(targets._known) <= 10
