"""RFC 9700, section 2.1: character by character; and what may be registered at all."""

from __future__ import annotations

import pytest

from idp.protocol.redirect_uri import (
    is_registered,
    is_registrable,
    is_registrable_by_native_app,
    source,
    with_parameters,
)

OWN = ("https://app.example/callback", "https://app.example/other?fixed=1")


@pytest.mark.parametrize(
    "trick",
    [
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/callback#f",
        "https://app.example/CALLBACK",
        "https://APP.example/callback",
        "http://app.example/callback",
        "https://app.example:443/callback",
        "https://app.example/x/../callback",
        "https://app.example/%63allback",
        "https://app.example//callback",
        "https://app.example.evil.example/callback",
        "https://evil.example/https://app.example/callback",
        "https://app.example@evil.example/callback",
        "https://app.example\\@evil.example/callback",
        " https://app.example/callback",
        "https://app.example/callback\n",
        "https://app.example/other",
        "",
    ],
)
def test_no_trick_is_registered(trick: str) -> None:
    assert not is_registered(trick, OWN)


def test_its_own_are() -> None:
    assert all(is_registered(uri, OWN) for uri in OWN)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example/callback?fixed=1",
        "http://localhost:9100/callback",
        "http://app.localhost:9100/callback",
        "http://127.0.0.1:4711/",
        "http://[::1]:4711/",
    ],
)
def test_what_may_be_registered(uri: str) -> None:
    assert is_registrable(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/callback",
        "http://localhost.evil.example/",
        "http://10.0.0.1/",
        "https://app.example/callback#",
        "https://user@app.example/",
        "https:///callback",
        "/callback",
        "javascript:alert(1)",
        "app:/callback",
        "https://app.example/a b",
        "https://app.example\\evil",
        "https://app.example:port/",
        "https://앱.example/",
    ],
)
def test_what_may_not(uri: str) -> None:
    assert not is_registrable(uri)


def test_parameters_join_those_that_are_there() -> None:
    assert with_parameters(OWN[1], [("a", "b&c")]) == "https://app.example/other?fixed=1&a=b%26c"
    assert with_parameters(OWN[0], []) == OWN[0]


LOOPBACK = ("http://127.0.0.1/callback", "http://[::1]:4711/callback?fixed=1", "http://localhost:4711/callback")


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:65535/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:50000/callback?fixed=1",
        "http://[::1]/callback?fixed=1",
        "http://localhost:4711/callback",
    ],
)
def test_the_port_of_a_loopback_address_is_free(uri: str) -> None:
    """RFC 8252, section 7.3."""
    assert is_registered(uri, LOOPBACK)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:080/callback",
        "http://127.0.0.1:1/other",
        "http://127.0.0.1:1/callback?x",
        "http://127.0.0.1:1/callback#x",
        "http://127.0.0.1:1@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.2:1/callback",
        "http://[::1]:50000/callback",
        "http://localhost:4712/callback",
        "https://127.0.0.1:1/callback",
        "http://127.0.0.1:1/callback\n",
    ],
)
def test_nothing_else_of_it_is(uri: str) -> None:
    assert not is_registered(uri, LOOPBACK)


@pytest.mark.parametrize(
    "uri", ["com.example.app:/callback", "com.example.app://callback", "http://127.0.0.1/", OWN[0]]
)
def test_what_a_native_app_may_register(uri: str) -> None:
    """RFC 8252, section 7."""
    assert is_registrable_by_native_app(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "app:/callback",
        "com.example:",
        "com.example:x",
        "COM.example:/",
        "com.example:/#",
    ],
)
def test_what_it_may_not(uri: str) -> None:
    assert not is_registrable_by_native_app(uri)


def test_where_a_form_may_end_up() -> None:
    assert [source(uri) for uri in (OWN[0], "com.example.app:/x", "http://[::1]:1/")] == [
        "https://app.example",
        "com.example.app:",
        "http://[::1]:1",
    ]
