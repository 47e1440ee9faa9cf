"""What a client may say to an upstream through the gateway, and an upstream to a client."""

from __future__ import annotations

import pytest

from gateway.inbound.header_hygiene import (
    RequestNames,
    Treatment,
    UnsafeHeader,
    generated_lines,
    may_trail,
    named_by_connection,
    response_passes,
    sets_own_cookie,
    strip_named,
    treatment,
)

DROPPED = [
    b"munjigi-assertion", b"munjigi_assertion", b"munjigi.assertion", b"munjigi-correlation-id", b"x-forwarded-for-x",
    b"x-forwarded-host", b"x_forwarded_host", b"x.forwarded.proto", b"x_forwarded_for", b"forwarded", b"x-real-ip",
    b"x_real_ip", b"remote-user", b"remote_user", b"x-auth-request-user", b"x-original-url", b"x_rewrite_url", b"proxy",
    b"x-http-method-override", b"keep-alive", b"proxy-connection", b"trailer", b"proxy-authorization",
    b"http2-settings", b"true-client-ip",
]  # fmt: skip
PASSED = [
    b"accept",
    b"authorization",
    b"cookie",
    b"x-custom",
    b"user-agent",
    b"sec-websocket-key",
    b"dpop",
]


@pytest.mark.parametrize("name", DROPPED)
def test_what_only_the_gateway_says_is_dropped_under_every_alias(name: bytes) -> None:
    assert treatment(name) is Treatment.DROP


@pytest.mark.parametrize("name", [b"transfer_encoding", b"transfer.encoding", b"content_length"])
def test_an_alias_of_framing_is_shown_to_the_data_path_which_refuses_it(name: bytes) -> None:
    assert treatment(name) is Treatment.INSPECT


@pytest.mark.parametrize("name", PASSED)
def test_everything_else_passes(name: bytes) -> None:
    assert treatment(name) is Treatment.PASS


def test_an_alias_of_any_other_field_is_known_as_one() -> None:
    assert treatment(b"x_custom") is treatment(b"x.custom") is Treatment.ALIAS


def test_names_are_learned_in_any_case_and_within_bounds() -> None:
    names = RequestNames(capacity=2)
    assert names.learn(b"Munjigi-Assertion") == (b"munjigi-assertion", Treatment.DROP)
    assert names.learn(b"MUNJIGI_ASSERTION")[1] is Treatment.DROP
    assert names.learn(b"Accept")[1] is Treatment.PASS
    assert len(names.known) == 2


def test_connection_names_fields_over_several_and_empty_lines() -> None:
    assert named_by_connection([b"", b"close, X-A", b" ,,", b"x-b ,\tx-c"]) == {b"close", b"x-a", b"x-b", b"x-c"}


def test_named_fields_go_under_every_alias() -> None:
    assert strip_named([(b"x-a", b"1"), (b"x_a", b"2"), (b"b", b"3")], {b"x-a"}) == [(b"b", b"3")]


@pytest.mark.parametrize("value", [b"a\r\nX: b", b"a\nb", b"a\rb", b"a\0b"])
def test_a_generated_value_never_breaks_a_line(value: bytes) -> None:
    with pytest.raises(UnsafeHeader):
        generated_lines([(b"name", value)])


@pytest.mark.parametrize(
    "name", [b"connection", b"keep-alive", b"te", b"upgrade", b"munjigi-correlation-id", b"munjigi_x"]
)
def test_an_upstream_says_nothing_hop_by_hop_and_nothing_in_the_gateways_name(name: bytes) -> None:
    assert not response_passes(name)


@pytest.mark.parametrize(
    "value",
    [
        b"__Host-munjigi=x; Path=/",
        b" __host-MUNJIGI =x",
        b"munjigi_state=x",
        b"__Host-munjigi",
        b"=__Host-munjigi=x",
        b" = __host-munjigi=x",
    ],
)
def test_an_upstream_never_sets_a_cookie_of_the_gateways(value: bytes) -> None:
    assert sets_own_cookie(value)


@pytest.mark.parametrize("value", [b"cart=__Host-munjigi", b"a=1", b""])
def test_an_upstream_sets_cookies_of_its_own(value: bytes) -> None:
    assert not sets_own_cookie(value)


@pytest.mark.parametrize("name", [b"x-sum", b"grpc-status", b"server-timing"])
def test_what_may_stand_behind_a_body(name: bytes) -> None:
    assert may_trail(name)


@pytest.mark.parametrize("name", [b"host", b"content-length", b"te", b"authorization", b"cookie", b"x_sum", *DROPPED])
def test_what_may_not_stand_behind_a_body(name: bytes) -> None:
    assert not may_trail(name)
