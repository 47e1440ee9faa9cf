"""One form of an address, by RFC 3986, sections 5.2.4, 6.2.2 and 6.2.3."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.protocol.htu import normal_htu

UNRESERVED = "abcXYZ019-._~"
SEGMENT = st.text(UNRESERVED + "!$&'()*+,;=:@", max_size=6)
PATH = st.lists(SEGMENT, min_size=1, max_size=5).map(lambda segments: "/" + "/".join(segments))
HOST = st.from_regex(r"[a-z][a-z0-9-]{0,8}(\.[a-z]{2,5})?", fullmatch=True)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://Id.Example", "https://id.example/"),
        ("https://id.example:443/a?b#c", "https://id.example/a"),
        ("http://id.example:80/", "http://id.example/"),
        ("http://id.example:443/", "http://id.example:443/"),
        ("https://id.example:/a", "https://id.example/a"),
        ("https://[::1]:9000/a", "https://[::1]:9000/a"),
        ("https://id.example/%7ea%2f%C3%a9", "https://id.example/~a%2F%C3%A9"),
        ("https://id.example/a/./b/../c", "https://id.example/a/c"),
        ("https://id.example/a/b/..", "https://id.example/a/"),
        ("https://id.example/../../a", "https://id.example/a"),
        ("https://id.example/a//b/", "https://id.example/a//b/"),
        ("https://id.example/%2e%2E/a", "https://id.example/a"),
        ("https://id.example/A", "https://id.example/A"),
    ],
)
def test_one_form(written: str, normal: str) -> None:
    assert normal_htu(written) == normal


@pytest.mark.parametrize(
    "written",
    [
        "", "/token", "id.example/token", "ftp://id.example/", "https://", "https:///a", "https://u@id.example/",
        "https://id.example:99999/", "https://id.example:x/", "https://id.example/%", "https://id.example/%zz",
        "https://id.example/a b", "https://id.example/\ta", "https://id.example\\@evil/", "https://id.exämple/",
        "https://[::1/", "javascript:alert(1)", "https://id.example/" + "a" * 9000,
    ],
)  # fmt: skip
def test_no_address_of_the_web(written: str) -> None:
    assert normal_htu(written) is None


@settings(deadline=None)
@given(HOST, PATH, st.text(UNRESERVED, max_size=5))
def test_what_rfc_3986_calls_equivalent_is_one(host: str, path: str, query: str) -> None:
    normal = normal_htu(f"https://{host}{path}")
    assert normal is not None
    escaped = "".join(f"%{ord(c):02x}" if c in UNRESERVED else c for c in path)
    for other in (
        f"HTTPS://{host.upper()}{path}",
        f"https://{host}:443{path}",
        f"https://{host}{path}?{query}",
        f"https://{host}{path}#{query}",
        f"https://{host}{escaped}",
        f"https://{host}/x/..{path}",
        f"https://{host}/.{path}",
    ):
        assert normal_htu(other) == normal, other
    assert normal_htu(normal) == normal


@settings(deadline=None)
@given(HOST, PATH, PATH)
def test_what_differs_stays_different(host: str, one: str, other: str) -> None:
    plain = [segment for path in (one, other) for segment in path.split("/")]
    if one == other or any(segment in (".", "..") for segment in plain):
        return
    assert normal_htu(f"https://{host}{one}") != normal_htu(f"https://{host}{other}")
    assert normal_htu(f"https://{host}{one}") != normal_htu(f"http://{host}{one}")
    assert normal_htu(f"https://{host}{one}") != normal_htu(f"https://{host}.evil{one}")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_nothing_breaks_it_and_one_form_is_final(text: str) -> None:
    for written in (text, f"https://{text}", f"https://id.example/{text}"):
        normal = normal_htu(written)
        assert normal is None or normal_htu(normal) == normal
