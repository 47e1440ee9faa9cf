"""OpenID Connect Core 1.0, section 5.5: the `claims` parameter is read strictly."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.assurance import ACR_ONE, ACR_TWO, shown_acr
from idp.protocol.claims_request import LONGEST, ClaimRequest, InvalidClaims, named, parse, visible

EXAMPLE = """
{"userinfo": {"given_name": {"essential": true}, "nickname": null, "email": {"essential": true},
  "email_verified": {"essential": true}, "picture": null, "http://example.info/claims/groups": null},
 "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["urn:mace:incommon:iap:silver"]}}}
"""
"""Of section 5.5."""


def test_the_example_of_section_5_5() -> None:
    asked = parse(EXAMPLE)
    assert asked.userinfo["given_name"] == ClaimRequest(essential=True)
    assert asked.userinfo["nickname"] == ClaimRequest()
    assert asked.acr(essential=False) == ("urn:mace:incommon:iap:silver",)
    assert asked.acr(essential=True) == ()
    assert asked.subjects() == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"x"',
        "{",
        "{'a': 1}",
        '{"id_token": []}',
        '{"id_token": {"name": true}}',
        '{"id_token": {"name": {"essential": "yes"}}}',
        '{"id_token": {"name": {"values": "a"}}}',
        '{"id_token": {"name": {"values": [{}]}}}',
        '{"id_token": {"name": {"value": {"a": 1}}}}',
        '{"id_token": {"name": {"value": "a", "values": ["b"]}}}',
        '{"id_token": {"name": null, "name": null}}',
        '{"id_token": {}, "id_token": {}}',
        '{"id_token": {"\\u0000": null}}',
        '{"id_token": {"name": {"value": NaN}}}',
        "[" * 5000,
        json.dumps({"id_token": {str(i): None for i in range(65)}}),
        "{" + " " * LONGEST + "}",
    ],
)
def test_what_is_no_claims_request(text: str) -> None:
    with pytest.raises(InvalidClaims):
        parse(text)


def test_members_that_are_not_understood_are_ignored() -> None:
    assert parse('{"invented": 1, "id_token": {"name": {"purpose": "x"}}}').id_token == {"name": ClaimRequest()}


def test_whom_a_request_is_about() -> None:
    assert parse('{"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": null}}').subjects() == {"a"}
    both = '{"id_token": {"sub": {"values": ["a", "b"]}}, "userinfo": {"sub": {"value": "b"}}}'
    assert parse(both).subjects() == {"b"}
    with pytest.raises(InvalidClaims):
        parse('{"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}}').subjects()


def test_nobody_sees_more_than_allowed() -> None:
    kept = visible(parse(EXAMPLE), {"email"}, ())
    assert (kept.id_token, kept.userinfo) == ((), ("email",))
    assert named({"email": None, "name": "Mina"}, ("email", "name", "phone")) == {"name": "Mina"}


def test_the_acr_that_is_shown() -> None:
    assert shown_acr(ACR_TWO, ()) == ACR_TWO
    assert shown_acr(ACR_TWO, (ACR_ONE,)) == ACR_ONE
    assert shown_acr(ACR_TWO, (ACR_ONE, ACR_TWO)) == ACR_TWO
    assert shown_acr(ACR_ONE, (ACR_TWO,)) == ACR_ONE
    assert shown_acr("", (ACR_ONE,)) == ""


NAMES = st.sampled_from(["id_token", "userinfo", "acr", "sub", "value", "values", "essential"])


def _around(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)


DOCUMENTS = st.recursive(st.none() | st.booleans() | st.text(), _around)


@given(st.text(max_size=200) | DOCUMENTS.map(json.dumps))
def test_whatever_is_sent_is_read_or_refused(text: str) -> None:
    with suppress(InvalidClaims):
        asked = parse(text)
        asked.subjects()
        asked.acr(essential=True)
