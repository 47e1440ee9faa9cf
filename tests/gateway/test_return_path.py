"""The open redirect table (proxy checklist, "Redirects")."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from gateway.inbound.canonical_path import CanonicalTargets
from gateway.relying_party.return_path import return_path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/cart",
        "/cart?item=1&n=2",
        "/a/b#part",
        "/a%20b?q=%2F%2Fevil",
        "/search?next=http://x",
        "/a:b@c",
        "/.hidden",
    ],
)
def test_paths_of_this_host_are_kept(path: str) -> None:
    assert return_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None, "", "cart", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "http://evil.example",
        "https:evil.example",
        "javascript:alert(1)", "//user@evil.example", "http://shop.localhost@evil.example", "/a\r\nSet-Cookie: x=1",
        "/a b", "/é", "/\x00", "/a\\b", "/a//b", "/../x", "/a/../b", "/./x", "/a/..", "/%2e%2e/x", "/%2E./x", "/a%2fb",
        "/%5cevil.example", "/%09/evil", "/%0d%0a", "/%00", "/%252e", "/a\"b", "/<x>", "/.munjigi/callback",
        "/.munjigi", "/" + "a" * 3000, "/a`b", "/a{b}", "/a|b", "/a^b",
    ],
)  # fmt: skip
def test_everything_else_leads_home(path: str | None) -> None:
    assert return_path(path) == "/"


@pytest.mark.parametrize("bare", list('{}|^`"<>\\'))
def test_what_stands_bare_in_a_query_comes_back_encoded(bare: str) -> None:
    assert CanonicalTargets().split(f"/search?a={bare}&b=1".encode()), "it is let through"
    assert return_path(f"/search?a={bare}&b=1") == f"/search?a=%{ord(bare):02X}&b=1"
    assert return_path(f"/search{bare}?a=1") == "/"


@pytest.mark.parametrize(
    "path", ["/?\\/evil.example", "/?a=//evil", "/a?b=c d", "/a?b=\n", "/a?b=é", "/a?" + "|" * 1000]
)
def test_a_query_is_no_way_out(path: str) -> None:
    assert urlsplit(return_path(path)).netloc == ""
    assert return_path(path).startswith("/")
    assert not set(return_path(path)) & set('\\ \n"')
