"""The ordered checks: what goes to a page, what to the client, and what passes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from config.problem import Problem
from idp.authorization import checks
from idp.authorization.answer import ReturnAddress, SignedFor, code_answer, error_answer
from idp.authorization.checks import IN_THE_OPEN, Carriage
from idp.authorization.request import AuthorizationRequest
from idp.authorization.trust import (
    AMBIGUOUS,
    UNKNOWN_CLIENT,
    UNUSABLE_OBJECT,
    UNUSABLE_REFERENCE,
    WRONG_REDIRECT_URI,
    RequestError,
    presented_client,
    return_address,
    stated,
)
from idp.clients.metadata import NOTHING_MORE, ClientMetadata
from idp.protocol.claims_request import RequestedClaims
from idp.protocol.described import NOTHING_DESCRIBED

check = partial(checks.check, described=NOTHING_DESCRIBED)


@dataclass(frozen=True)
class _Client:
    client_id: str = "app"
    redirect_uris: tuple[str, ...] = ("https://app.example/callback",)
    grant_types: tuple[str, ...] = ("authorization_code",)
    scopes: tuple[str, ...] = ("openid", "profile")
    auth_method: str = "client_secret_basic"
    metadata: ClientMetadata = NOTHING_MORE


SOUND = {
    "response_type": "code",
    "client_id": "app",
    "redirect_uri": "https://app.example/callback",
    "scope": "openid profile",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


def _with(**changed: str | None) -> list[tuple[str, str]]:
    return [(name, value) for name, value in {**SOUND, **changed}.items() if value is not None]


def _sub_of(id_token_hint: str) -> str | None:
    return {"the ID token of Mina": "mina"}.get(id_token_hint)


def test_whom_a_hint_names() -> None:
    assert check(_with(), _Client(), _sub_of).expected_sub is None
    assert check(_with(id_token_hint="the ID token of Mina"), _Client(), _sub_of).expected_sub == "mina"
    with pytest.raises(RequestError) as refused:
        check(_with(id_token_hint="forged"), _Client(), _sub_of)
    assert refused.value.error == "invalid_request"


def test_a_sound_request_passes() -> None:
    asked = check(
        _with(state="s", nonce="n", max_age="0", prompt="login", acr_values="a b", ui_locales="ko"), _Client(), _sub_of
    )
    assert asked.scope == ("openid", "profile")
    assert (asked.state, asked.nonce, asked.max_age, asked.prompt) == ("s", "n", 0, ("login",))
    assert asked.acr_values == ("a", "b")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"response_mode": ".jwt"}, "invalid_request"),
        ({"display": "hologram"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}}'}, "invalid_request"),
        ({"claims": '{"id_token": {"sub": {"values": ["a", "b"]}}}'}, "invalid_request"),
        ({"claims": "{" + " " * 4096 + "}"}, "invalid_request"),
        ({"resource": "https://elsewhere.example/"}, "invalid_target"),
        ({"resource": "urn:munjigi:services#x"}, "invalid_target"),
        ({"resource": "relative"}, "invalid_target"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"state": "s" * 2049}, "invalid_request"),
        ({"nonce": "a\0b"}, "invalid_request"),
    ],
)
def test_what_the_client_is_told(changed: dict[str, str | None], error: str) -> None:
    with pytest.raises(RequestError) as raised:
        check(_with(**changed), _Client(), _sub_of)
    assert raised.value.error == error


@pytest.mark.parametrize("name", [*SOUND, "state", "nonce", "made_up", "<script>"])
def test_nothing_may_be_said_twice(name: str) -> None:
    doubled = [*_with(state="s", nonce="n", made_up="m"), (name, "again"), (name, "again")]
    if name == "client_id":
        with pytest.raises(Problem) as problem:
            presented_client(doubled)
        assert problem.value.kind is AMBIGUOUS
    elif name == "redirect_uri":
        with pytest.raises(Problem) as problem:
            check(doubled, _Client(), _sub_of)
        assert problem.value.kind is AMBIGUOUS
    else:
        with pytest.raises(RequestError) as raised:
            check(doubled, _Client(), _sub_of)
        assert raised.value.error == "invalid_request"
        assert "<" not in raised.value.description
    if name == "state":
        assert stated(doubled) is None


def test_before_the_redirect_uri_is_trusted_nobody_is_redirected() -> None:
    with pytest.raises(Problem) as problem:
        presented_client([])
    assert problem.value.kind is UNKNOWN_CLIENT
    for redirect_uri in (None, "https://app.example/callback/", "https://evil.example/"):
        with pytest.raises(Problem) as problem:
            # everything else is wrong, too: the redirect URI is looked at first
            check(_with(redirect_uri=redirect_uri, response_type="token", scope=None), _Client(), _sub_of)
        assert problem.value.kind is WRONG_REDIRECT_URI


def test_a_client_gets_no_scope_that_it_has_not_registered() -> None:
    assert check(_with(scope="openid email admin"), _Client(), _sub_of).scope == ("openid",)
    with pytest.raises(RequestError):
        check(_with(), _Client(scopes=("profile",)), _sub_of)
    with pytest.raises(RequestError) as raised:
        check(_with(), _Client(grant_types=("refresh_token",)), _sub_of)
    assert raised.value.error == "unauthorized_client"


@pytest.mark.parametrize(
    ("named", "mode", "signed"),
    [
        (None, "query", False),
        ("fragment", "fragment", False),
        ("jwt", "query.jwt", True),
        ("fragment.jwt", "fragment.jwt", True),
        ("form_post.jwt", "form_post.jwt", True),
    ],
)
def test_jarm_2_3_whatever_mode_is_named_errors_and_codes_come_by_it(
    named: str | None, mode: str, signed: bool
) -> None:
    client = _Client(metadata=ClientMetadata(authorization_signed_response_alg="RS256"))
    asked = check(_with(response_mode=named, state="s"), client, _sub_of).return_address
    refused = return_address(_with(response_mode=named, state="s"), client, RequestError("invalid_scope", ""))
    assert asked == refused
    assert asked.mode == mode
    assert asked.signed_for == (SignedFor("app", "RS256") if signed else None)


def test_rfc_9207_iss_stands_in_every_answer() -> None:
    asked = ReturnAddress("https://a.example/?x=1", None)
    code = code_answer(asked, code="c", issuer="https://id.example")
    assert code.location == "https://a.example/?x=1&code=c&iss=https%3A%2F%2Fid.example"
    told = ReturnAddress("https://a.example/", "s", "form_post")
    error = error_answer(told, error="e", description="d", issuer="https://id.example")
    assert error.location == "https://a.example/?error=e&error_description=d&state=s&iss=https%3A%2F%2Fid.example"
    assert dict(error.parameters)["iss"] == "https://id.example"
    assert error.origin == "https://a.example"
    in_fragment = code_answer(ReturnAddress("https://a.example/?x=1", None, "fragment"), code="c", issuer="i")
    assert in_fragment.location == "https://a.example/?x=1#code=c&iss=i"


def _asked(
    client: _Client | None = None, carriage: Carriage = IN_THE_OPEN, **changed: str | None
) -> AuthorizationRequest:
    return check(_with(**changed), client or _Client(), _sub_of, carriage)


def test_what_a_client_registered_stands_in_for_what_it_does_not_say() -> None:
    client = _Client(metadata=ClientMetadata(default_max_age=60, default_acr_values=("urn:munjigi:acr:2",)))
    assert (_asked(client).max_age, _asked(client).acr_values) == (60, ("urn:munjigi:acr:2",))
    said = _asked(client, max_age="5", acr_values="urn:munjigi:acr:1")
    assert (said.max_age, said.acr_values) == (5, ("urn:munjigi:acr:1",))
    assert (
        _asked(client, claims='{"id_token": {"acr": {"essential": true, "value": "urn:munjigi:acr:1"}}}').acr_values
        == ()
    )


def test_claims_are_kept_as_far_as_the_scopes_of_the_client_allow() -> None:
    asked = _asked(
        claims=json.dumps(
            {
                "id_token": {"name": None, "email": {"essential": True}, "auth_time": {"essential": True}},
                "userinfo": {"locale": {"value": "ko"}, "phone_number": None, "invented": {"future": 1}},
            }
        )
    )
    assert asked.claims == RequestedClaims(id_token=("name",), userinfo=("locale",))
    with_mail = _Client(scopes=("openid", "profile", "email"))
    assert _asked(with_mail, claims='{"userinfo": {"email": null}}').claims.userinfo == ("email",)


def test_acr_may_be_essential_or_a_wish() -> None:
    two = "urn:munjigi:acr:2"
    essential = _asked(claims=json.dumps({"id_token": {"acr": {"essential": True, "values": ["x", two]}}}))
    assert (essential.essential_acr, essential.acr_values, essential.claims.acr) == (("x", two), (), ("x", two))
    wish = _asked(claims=json.dumps({"id_token": {"acr": {"values": [two]}}}))
    assert (wish.essential_acr, wish.acr_values) == ((), (two,))
    with pytest.raises(RequestError) as refused:
        _asked(claims='{"id_token": {"acr": {"essential": true, "value": "phr"}}}')
    assert refused.value.error == "unmet_authentication_requirements"


def test_a_sub_that_claims_name_is_the_expected_one() -> None:
    mina = '{"id_token": {"sub": {"value": "mina"}}}'
    assert _asked(claims=mina).expected_sub == "mina"
    assert _asked(claims=mina, id_token_hint="the ID token of Mina").expected_sub == "mina"
    either = '{"userinfo": {"sub": {"values": ["jun", "mina"]}}}'
    assert _asked(claims=either, id_token_hint="the ID token of Mina").expected_sub == "mina"
    with pytest.raises(RequestError):
        _asked(claims=mina.replace("mina", "jun"), id_token_hint="the ID token of Mina")


def test_resource_alone_may_be_said_several_times() -> None:
    client = _Client(metadata=ClientMetadata(resources=("https://api.example/",)))
    several = [*_with(), ("resource", "https://api.example/"), ("resource", "urn:munjigi:services")]
    assert check(several, client, _sub_of).resources == ("https://api.example/", "urn:munjigi:services")
    assert check([*several, several[-1]], client, _sub_of).resources == ("https://api.example/", "urn:munjigi:services")
    with pytest.raises(RequestError) as refused:
        check(several, _Client(), _sub_of)
    assert refused.value.error == "invalid_target"


def _registered(**metadata: Any) -> _Client:
    return _Client(metadata=ClientMetadata(**metadata))


@pytest.mark.parametrize(
    ("client", "carriage", "error"),
    [
        (_registered(require_pushed_authorization_requests=True), Carriage(), "invalid_request"),
        (_Client(), Carriage(must_be_pushed=True), "invalid_request"),
        (
            _Client(metadata=ClientMetadata(require_signed_request_object=True)),
            Carriage(pushed=True),
            "invalid_request",
        ),
        (_Client(metadata=ClientMetadata(profile="fapi2")), Carriage(), "invalid_request"),
        (_Client(metadata=ClientMetadata(profile="fapi2")), Carriage(pushed=True), "unauthorized_client"),
    ],
)
def test_how_a_request_must_come(client: _Client, carriage: Carriage, error: str) -> None:
    with pytest.raises(RequestError) as refused:
        _asked(client, carriage)
    assert refused.value.error == error


def test_a_client_of_the_profile_passes_once_it_pushed() -> None:
    sound = ClientMetadata(profile="fapi2", dpop_bound_access_tokens=True)
    client = _Client(auth_method="private_key_jwt", metadata=sound)
    asked = _asked(client, Carriage(pushed=True))
    assert asked.profile == "fapi2"


def test_an_error_before_any_redirect_uri_is_known_goes_to_a_page() -> None:
    for error, kind in (
        ("invalid_request_object", UNUSABLE_OBJECT),
        ("invalid_request_uri", UNUSABLE_REFERENCE),
        ("invalid_request", WRONG_REDIRECT_URI),
    ):
        for redirect_uri in (None, "https://evil.example/"):
            with pytest.raises(Problem) as problem:
                return_address(_with(redirect_uri=redirect_uri), _Client(), RequestError(error, "why"))
            assert problem.value.kind is kind
    told = return_address(_with(response_mode="form_post", state="s"), _Client(), RequestError("invalid_request", ""))
    assert told == ReturnAddress("https://app.example/callback", "s", "form_post")
