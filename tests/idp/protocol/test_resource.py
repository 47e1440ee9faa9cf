"""RFC 8707: which resources may be named, and that a token is never for more than was granted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.access_token import AUDIENCE
from idp.protocol.resource import InvalidTarget, audiences, is_resource, targets

API = "https://api.example/v1?tenant=a"


@pytest.mark.parametrize("text", [API, AUDIENCE, "https://api.example", "urn:x:y"])
def test_absolute_uris(text: str) -> None:
    assert is_resource(text)


@pytest.mark.parametrize(
    "text",
    ["", "api", "/v1", "//api.example", "https://api.example/#", "https:", "a b:c", "https://[", "é:x", "x" * 600],
)
def test_what_is_none(text: str) -> None:
    assert not is_resource(text)


def test_what_a_client_may_ask_for() -> None:
    assert targets([], ()) == ()
    assert targets([AUDIENCE, API, AUDIENCE], (API,)) == (AUDIENCE, API)
    for wrong in ([API + "/"], ["https://elsewhere.example/"], [f"urn:x:{n}" for n in range(9)]):
        with pytest.raises(InvalidTarget):
            targets(wrong, (API, *(f"urn:x:{n}" for n in range(9))))


@given(st.lists(st.sampled_from([API, AUDIENCE, "urn:x:y"])), st.lists(st.sampled_from([API, AUDIENCE, "urn:x:y"])))
def test_a_token_is_for_no_more_than_was_granted(asked: list[str], granted: list[str]) -> None:
    whole = set(granted) or {AUDIENCE}
    try:
        given_out = audiences(asked, granted)
    except InvalidTarget:
        assert not set(asked) <= whole
    else:
        assert set(given_out) == (set(asked) or whole)
