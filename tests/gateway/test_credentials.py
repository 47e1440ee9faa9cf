"""Cookie hygiene and the one credential."""

from __future__ import annotations

import hashlib

import pytest

from gateway.inbound.credentials import AMBIGUOUS_CREDENTIALS, MALFORMED_CREDENTIAL, read_credentials

SECRET = b"s" * 43
DIGEST = hashlib.sha256(SECRET).digest()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"__Host-munjigi=" + SECRET, None),
        (b"a=1; __Host-munjigi=" + SECRET, b"a=1"),
        (b"__Host-munjigi=" + SECRET + b"; a=1;b=2", b"a=1; b=2"),
        (b"__Host-munjigi-signin-0a1b=x; __Host-munjigi=" + SECRET + b"; a=1", b"a=1"),
        (b";; __Host-munjigi=" + SECRET + b" ;", None),
        (b"__Host-munjigish=1; __Host-munjigi=" + SECRET, b"__Host-munjigish=1"),
    ],
)
def test_our_cookies_stop_here_and_others_pass(sent: bytes, kept: bytes | None) -> None:
    found = read_credentials([(b"cookie", sent)])
    assert (found.cookie, found.other_cookies, found.fault) == (DIGEST, kept, None)


def test_without_our_cookie_the_header_passes_as_it_is() -> None:
    found = read_credentials([(b"cookie", b"a=1;b=2")])
    assert (found.cookie, found.other_cookies) == (None, b"a=1;b=2")


def test_no_credential() -> None:
    found = read_credentials([(b"accept", b"*/*")])
    assert (found.bearer, found.cookie, found.other_cookies, found.fault) == (None, None, None, None)


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER"])
def test_the_scheme_is_case_insensitive(scheme: bytes) -> None:
    assert read_credentials([(b"authorization", scheme + b" abc.def")]).bearer == b"abc.def"


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")],
        [(b"authorization", b"Bearer a"), (b"cookie", b"__Host-munjigi=" + SECRET)],
        [(b"cookie", b"__Host-munjigi=a; __Host-munjigi=b")],
        [(b"cookie", b"__Host-munjigi=a"), (b"cookie", b"__Host-munjigi=b")],
    ],
)
def test_two_credentials_are_none(headers: list[tuple[bytes, bytes]]) -> None:
    assert read_credentials(headers).fault is AMBIGUOUS_CREDENTIALS


@pytest.mark.parametrize(
    "value", [b"", b"Bearer", b"Bearer ", b"Basic eA==", b"Bearer a,b", b"Bearer\ta", b"Bearer a=b"]
)
def test_what_is_no_bearer_token_is_refused(value: bytes) -> None:
    found = read_credentials([(b"authorization", value)])
    assert (found.bearer, found.fault) == (None, MALFORMED_CREDENTIAL)
