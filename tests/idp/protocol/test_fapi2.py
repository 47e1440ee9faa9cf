"""The FAPI 2.0 Security Profile: what of a client, a request and its tokens breaks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from idp.clients.metadata import ClientMetadata
from idp.protocol import fapi2

SOUND: dict[str, Any] = {"profile": "fapi2", "dpop_bound_access_tokens": True}
KEEPS_TO_IT = ClientMetadata(**SOUND)


@dataclass(frozen=True)
class _Client:
    metadata: ClientMetadata = KEEPS_TO_IT
    auth_method: str = "private_key_jwt"
    redirect_uris: tuple[str, ...] = ("https://app.example/callback",)


@pytest.mark.parametrize("auth_method", ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"])
def test_a_client_that_keeps_to_it(auth_method: str) -> None:
    assert fapi2.client_faults(_Client(auth_method=auth_method)) == ()
    by_certificate = ClientMetadata(profile="fapi2", tls_client_certificate_bound_access_tokens=True)
    assert fapi2.request_faults(_Client(metadata=by_certificate), pushed=True) == ()


@pytest.mark.parametrize(
    ("client", "named"),
    [
        (_Client(auth_method="client_secret_basic"), "private_key_jwt"),
        (_Client(auth_method="none"), "private_key_jwt"),
        (_Client(ClientMetadata(profile="fapi2")), "bound to a key"),
        (_Client(ClientMetadata(**SOUND, id_token_signed_response_alg="RS256")), "id_token_signed_response_alg"),
        (_Client(ClientMetadata(**SOUND, userinfo_signed_response_alg="RS256")), "userinfo_signed_response_alg"),
        (_Client(ClientMetadata(**SOUND, authorization_signed_response_alg="RS256")), "authorization_signed"),
        (_Client(ClientMetadata(**SOUND, introspection_signed_response_alg="RS256")), "introspection_signed"),
        (_Client(ClientMetadata(**SOUND, request_object_signing_alg="RS256")), "request_object_signing_alg"),
        (_Client(ClientMetadata(**SOUND, token_endpoint_auth_signing_alg="RS256")), "token_endpoint_auth"),
        (_Client(redirect_uris=("https://a.example/", "http://localhost/callback")), "redirect_uris"),
        (_Client(redirect_uris=("https://*.example/",)), "redirect_uris"),
    ],
)
def test_a_client_that_does_not(client: _Client, named: str) -> None:
    (fault,) = fapi2.client_faults(client)
    assert named in fault
    assert fapi2.request_faults(client, pushed=True) == (fault,)


def test_its_requests_are_pushed_and_its_tokens_bound() -> None:
    client = _Client()
    assert fapi2.request_faults(client, pushed=False) == ("the authorization request must be pushed",)
    assert fapi2.token_faults(client, {})
    assert fapi2.token_faults(client, {"jkt": "x"}) == ()


def test_whoever_is_not_held_to_it_is_not() -> None:
    anybody = _Client(ClientMetadata(), "none", ("http://localhost/",))
    assert fapi2.request_faults(anybody, pushed=False) == ()
    assert fapi2.token_faults(anybody, {}) == ()


def test_codes_live_for_a_minute_at_most() -> None:
    assert fapi2.code_lifetime("fapi2", 300) == 60
    assert fapi2.code_lifetime("fapi2", 30) == 30
    assert fapi2.code_lifetime("oauth2", 300) == 300
