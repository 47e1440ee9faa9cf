"""CIBA Core 1.0, section 7: what a request may say, by rule and by whatever else."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import backchannel
from idp.protocol.backchannel import (
    LIFETIME,
    LONGEST,
    LONGEST_MESSAGE,
    PARAMETERS,
    SHORTEST,
    BackchannelRequest,
    InvalidRequest,
)
from idp.protocol.described import NOTHING_DESCRIBED

check = partial(backchannel.check, described=NOTHING_DESCRIBED)

GOOD = (("scope", "openid profile"), ("login_hint", "mina"))
REGISTERED = ("openid", "profile")
ERRORS = {
    "invalid_request",
    "invalid_scope",
    "invalid_binding_message",
    "invalid_target",
    "invalid_authorization_details",
}


def checked(*more: tuple[str, str], without: str = "") -> BackchannelRequest:
    parameters = [*(one for one in GOOD if one[0] != without), *more]
    return check(parameters, scope=REGISTERED, resources=("https://api.example/",), default_acr_values=("acr",))


def test_what_is_left_out_is_as_the_client_registered() -> None:
    assert checked() == BackchannelRequest(
        scope=("openid", "profile"),
        hint_kind="login_hint",
        hint="mina",
        binding_message="",
        acr_values=("acr",),
        resources=(),
        lifetime=LIFETIME,
    )
    assert checked(("acr_values", "a b")).acr_values == ("a", "b")
    assert checked(("binding_message", "")).binding_message == ""
    assert checked(("id_token_hint", "t"), without="login_hint").hint_kind == "id_token_hint"


@given(st.integers(min_value=1, max_value=999_999_999))
def test_the_time_to_wait_is_held_within_bounds(seconds: int) -> None:
    lifetime = checked(("requested_expiry", str(seconds))).lifetime
    assert SHORTEST <= lifetime <= LONGEST
    if SHORTEST <= timedelta(seconds=seconds) <= LONGEST:
        assert lifetime == timedelta(seconds=seconds)


@given(st.text(max_size=2 * LONGEST_MESSAGE))
def test_a_message_is_shown_as_it_is_or_not_at_all(message: str) -> None:
    if len(message) <= LONGEST_MESSAGE and message.isprintable() and message == message.strip():
        assert checked(("binding_message", message)).binding_message == message
        return
    with pytest.raises(InvalidRequest) as refused:
        checked(("binding_message", message))
    assert refused.value.error in ("invalid_binding_message", "invalid_request")


def test_details_that_are_asked_for_are_not_left_out() -> None:
    """RFC 9396, section 5."""
    with pytest.raises(InvalidRequest) as refused:
        checked(("authorization_details", "[]"))
    assert refused.value.error == "invalid_authorization_details"
    assert checked(("authorization_details", "")) == checked()


@given(
    st.sets(st.sampled_from(("login_hint", "id_token_hint", "login_hint_token"))),
)
def test_exactly_one_hint_of_those_that_are_understood(hints: set[str]) -> None:
    parameters = [("scope", "openid"), *((hint, "someone") for hint in sorted(hints))]
    if hints in ({"login_hint"}, {"id_token_hint"}):
        assert {check(parameters, scope=REGISTERED, resources=()).hint_kind} == hints
        return
    with pytest.raises(InvalidRequest) as refused:
        check(parameters, scope=REGISTERED, resources=())
    assert refused.value.error == "invalid_request"


@given(st.lists(st.tuples(st.one_of(st.sampled_from(sorted(PARAMETERS)), st.text(max_size=9)), st.text(max_size=60))))
def test_whatever_is_asked_is_answered_by_the_rules(parameters: list[tuple[str, str]]) -> None:
    for first in ([], list(GOOD)):
        found = answered([*first, *parameters])
        if isinstance(found, str):
            assert found in ERRORS
            continue
        assert set(found.scope) <= set(REGISTERED)
        assert "openid" in found.scope
        assert found.hint
        assert SHORTEST <= found.lifetime <= LONGEST


def answered(parameters: list[tuple[str, str]]) -> BackchannelRequest | str:
    """The request, or the error."""
    try:
        return check(parameters, scope=REGISTERED, resources=())
    except InvalidRequest as refused:
        return refused.error
