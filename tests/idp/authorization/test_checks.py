"""The ordered checks: what goes to a page, what to the client, and what passes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from config.problem import Problem
from idp.authorization.answer import code_answer, error_answer
from idp.authorization.checks import (
    AMBIGUOUS,
    UNKNOWN_CLIENT,
    WRONG_REDIRECT_URI,
    RequestError,
    check,
    presented_client,
    stated,
)


@dataclass(frozen=True)
class _Client:
    client_id: str = "app"
    redirect_uris: tuple[str, ...] = ("https://app.example/callback",)
    grant_types: tuple[str, ...] = ("authorization_code",)
    scopes: tuple[str, ...] = ("openid", "profile")


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
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
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
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "urn:x"}, "request_uri_not_supported"),
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


def test_rfc_9207_iss_stands_in_every_answer() -> None:
    code = code_answer("https://a.example/?x=1", code="c", state=None, issuer="https://id.example")
    assert code == "https://a.example/?x=1&code=c&iss=https%3A%2F%2Fid.example"
    error = error_answer("https://a.example/", error="e", description="d", state="s", issuer="https://id.example")
    assert error == "https://a.example/?error=e&error_description=d&state=s&iss=https%3A%2F%2Fid.example"
