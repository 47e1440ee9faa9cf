"""Registrations that may be: each is kept, looked at, changed, and removed with the token that came; no 500, ever.

`test_protocol` asks `/register` as its description allows, which rarely fits together; here everything does.
"""

from __future__ import annotations

from typing import Any

import httpx2
import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from idp.openapi_bodies import ClientInformation
from tests.fuzz.conformance import profile
from tests.idp.keys import Key, rsa_key

QUICK = pytest.param(4, id="quick")
LONG = pytest.param(15, id="long", marks=pytest.mark.proof)
"""An address may register and change so often in an hour; more would be refused."""
KEYS = (Key(), rsa_key())
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
SENT = (
    "registration_access_token",
    "registration_client_uri",
    "client_id_issued_at",
    "client_secret_expires_at",
)

words = st.text(st.characters(categories=("L", "N"), max_codepoint=0xFFFF), min_size=1, max_size=30)
labels = st.from_regex(r"[a-z][a-z0-9]{0,12}", fullmatch=True)
paths = st.lists(labels, max_size=3).map(lambda parts: "/" + "/".join(parts))
https = st.builds("https://{}.example{}{}".format, labels, paths, st.sampled_from(("", "?a=1&b=%20")))
loopback = st.builds("http://{}:{}{}".format, st.sampled_from(("127.0.0.1", "[::1]")), st.integers(1, 65535), paths)
own_scheme = st.builds("com.example.{}:{}".format, labels, paths)


def addresses(of: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(of, min_size=least, max_size=4, unique=True)


@st.composite
def registrations(draw: st.DrawFn) -> dict[str, Any]:
    """What a stranger may register: of every kind, with and without what may be left out."""
    native = draw(st.booleans())
    where = st.one_of(https, loopback, own_scheme) if native else https
    method = draw(st.sampled_from(("client_secret_basic", "client_secret_post", "none", "private_key_jwt")))
    grants = draw(
        st.sampled_from(
            (["authorization_code"], ["authorization_code", "refresh_token"], ["authorization_code", DEVICE])
        )
    )
    asked: dict[str, Any] = {
        "redirect_uris": draw(addresses(where)),
        "token_endpoint_auth_method": method,
        "grant_types": grants,
        "application_type": "native" if native else "web",
    }
    if method == "private_key_jwt":
        key = draw(st.sampled_from(KEYS))
        asked["jwks"] = {"keys": [key.jwk]}
        if draw(st.booleans()):
            asked["token_endpoint_auth_signing_alg"] = key.algorithm
    optional: dict[str, st.SearchStrategy[Any]] = {
        "response_types": st.just(["code"]),
        "client_name": words,
        "client_name#ko": words,
        "client_name#de-AT": words,
        "scope": st.sampled_from(("openid", "openid profile email", "email openid offline_access")),
        "client_uri": https,
        "logo_uri": https,
        "policy_uri": https,
        "tos_uri": https,
        "contacts": st.lists(words, max_size=3),
        "software_id": words,
        "software_version": words,
        "initiate_login_uri": https,
        "post_logout_redirect_uris": addresses(where, least=0),
        "request_uris": addresses(https, least=0),
        "id_token_signed_response_alg": st.sampled_from(("ES256", "RS256")),
        "userinfo_signed_response_alg": st.sampled_from(("ES256", "RS256")),
        "default_max_age": st.integers(0, 10**9),
        "require_auth_time": st.booleans(),
        "default_acr_values": st.lists(words, max_size=2),
        "dpop_bound_access_tokens": st.booleans(),
        "require_pushed_authorization_requests": st.booleans(),
        # of nobody, or an administrator's to say: left out in silence (RFC 7591, section 2)
        "consent_required": st.booleans(),
        "profile": st.sampled_from(("oauth2", "fapi2", 5)),
        "of_nobody": st.one_of(words, st.lists(words), st.none()),
    }
    for name in draw(st.sets(st.sampled_from(sorted(optional)))):
        asked[name] = draw(optional[name])
    return asked


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def kept(answer: httpx2.Response, asked: dict[str, Any], status: int) -> dict[str, Any]:
    """The client, which is as it was asked for."""
    assert answer.status_code == status, (asked, answer.text)
    msgspec.json.decode(answer.content, type=ClientInformation)
    client: dict[str, Any] = answer.json()
    for name in ("redirect_uris", "grant_types", "token_endpoint_auth_method"):
        assert client[name] == asked[name]
    assert "of_nobody" not in client
    assert client["consent_required"] is True, "of whoever registers itself people are asked"
    assert client.get("profile", "oauth2") == "oauth2"
    assert ("client_secret" in client) <= asked["token_endpoint_auth_method"].startswith("client_secret")
    return client


@pytest.mark.parametrize("examples", [QUICK, LONG])
def test_what_may_be_registered_is(client: httpx2.Client, examples: int) -> None:
    @profile(examples)
    @hypothesis.given(first=registrations(), second=registrations(), junk=st.text(max_size=40))
    def live(first: dict[str, Any], second: dict[str, Any], junk: str) -> None:
        made = kept(client.post("/register", json=first), first, 201)
        assert ("client_secret" in made) == first["token_endpoint_auth_method"].startswith("client_secret")
        path, token = f"/register/{made['client_id']}", made["registration_access_token"]
        assert made["registration_client_uri"].endswith(path)
        seen = kept(client.get(path, headers=bearer(token)), first, 200)
        strip = ("client_secret", *SENT)
        assert {n: v for n, v in seen.items() if n not in strip} == {n: v for n, v in made.items() if n not in strip}

        same = {name: value for name, value in seen.items() if name not in SENT}
        again = kept(client.put(path, json=same, headers=bearer(token)), first, 200)
        assert client.get(path, headers=bearer(token)).status_code == 401, "a change gives another token"
        token = again["registration_access_token"]
        wrong = client.put(path, json={**second, "client_id": junk}, headers=bearer(token))
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client_metadata")
        changed = kept(
            client.put(path, json={**second, "client_id": made["client_id"]}, headers=bearer(token)), second, 200
        )
        token = changed["registration_access_token"]

        for stranger in (bearer(junk.encode("ascii", "replace").decode().replace("\n", " ") or "x"), {}):
            try:
                # some of it is no header at all: the server refuses the request before anybody reads it
                assert client.delete(path, headers=stranger).status_code in (400, 401)
            except httpx2.LocalProtocolError:
                continue  # no client puts such a header on the wire
        assert client.delete(path, headers=bearer(token)).status_code == 204
        assert client.get(path, headers=bearer(token)).status_code == 401
        assert client.put(path, json=same, headers=bearer(token)).status_code == 401

    live()
