"""RFC 7591, section 2: what is taken reads back as it was sent; what does not fit together is refused by its code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from idp.clients.client import Client
from idp.clients.invalid import InvalidRegistration
from idp.clients.metadata import ClientMetadata
from idp.clients.registration import ADMINISTRATOR, STRANGER, Terms, read_registration, registered_members
from idp.clients.subject_identifiers import sector
from idp.protocol import scopes

VECTORS = Path(__file__).parent / "vectors"
EC: dict[str, Any] = dict(ECKey.generate_key("P-256").as_dict(private=False))
RSA: dict[str, Any] = dict(RSAKey.generate_key(2048).as_dict(private=False))
CALLBACK = "https://app.example/callback"
BASE: Mapping[str, object] = {"redirect_uris": [CALLBACK]}
KEYED = {**BASE, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [EC]}}
FAPI = {
    **KEYED,
    "profile": "fapi2",
    "require_pushed_authorization_requests": True,
    "dpop_bound_access_tokens": True,
}
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CIBA = "urn:openid:params:grant-type:ciba"


def read(asked: Mapping[str, object], terms: Terms = ADMINISTRATOR, current: Client | None = None) -> Client:
    return read_registration(asked, terms, client_id="app", current=current)


def vector(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", ["rfc7591_section_3_1.json", "rfc7592_section_2_2.json"])
def test_the_examples_of_the_rfcs_are_taken_and_read_back(name: str) -> None:
    asked = vector(name)
    members = registered_members(read(asked, STRANGER))
    unknown = {"example_extension_parameter", "client_id", "client_secret", "logo_uri#fr"}
    assert {member: members.get(member) for member in asked if member not in unknown} == {
        member: value for member, value in asked.items() if member not in unknown
    }
    assert "example_extension_parameter" not in members
    assert members["response_types"] == ["code"]


def test_what_is_left_out_is_what_the_rfc_says() -> None:
    client = read(BASE, STRANGER)
    assert (client.auth_method, client.grant_types) == ("client_secret_basic", ("authorization_code",))
    assert client.scopes == scopes.SCOPES
    assert client.metadata == ClientMetadata(consent_required=True)
    assert client.secret_hash is None
    assert client.organisation_id is None


def test_a_name_without_a_language_stands_for_those_that_have_none() -> None:
    client = read({**BASE, "client_name": "Shop", "client_name#ko": "가게"})
    assert (client.name["ko"], client.name["en"]) == ("가게", "Shop")
    members = registered_members(client)
    assert {name for name in members if name.startswith("client_name")} == {"client_name", "client_name#ko"}


def test_null_is_as_good_as_nothing() -> None:
    assert read({**BASE, "logo_uri": None, "unknown": None}) == read(BASE)


def test_an_app_with_a_scheme_of_its_own_is_a_sector_of_its_own() -> None:
    uri = "com.example.app:/callback"
    native = {"redirect_uris": [uri], "application_type": "native", "subject_type": "pairwise"}
    for terms in (STRANGER, ADMINISTRATOR):
        assert sector(read(native, terms)) == uri


@pytest.mark.parametrize("uri", ["http://127.0.0.1/callback", "http://[::1]:1/", "https://localhost/callback"])
def test_this_very_machine_is_nobody_s_sector(uri: str) -> None:
    asked = {"redirect_uris": [uri], "application_type": "native", "subject_type": "pairwise"}
    with pytest.raises(InvalidRegistration, match="this very machine"):
        read(asked)
    document = "https://app.example/sector.json"
    assert sector(read({**asked, "sector_identifier_uri": document})) == "app.example"


def test_a_stranger_learns_nothing_of_the_sector_of_another_app() -> None:
    # the redirect URI is another's: no answer goes there, since a device has its tokens from the token endpoint
    asked = {**BASE, "subject_type": "pairwise", "grant_types": ["authorization_code", DEVICE]}
    for more in ({}, {"sector_identifier_uri": "https://app.example/sector.json"}):
        with pytest.raises(InvalidRegistration, match="administrator alone"):
            read({**asked, **more}, STRANGER)
    given = read(asked)
    assert read({**asked, "client_name": "x"}, STRANGER, given).metadata.subject_type == "pairwise"
    with pytest.raises(InvalidRegistration, match="administrator alone"):
        read(asked, STRANGER, read({**BASE, "subject_type": "pairwise"}, STRANGER))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://app.example/"}, "invalid_redirect_uri"),
        ({"redirect_uris": [1]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/#"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["com.example.app:/callback"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["myapp:/callback"], "application_type": "native"}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://10.0.0.1/"], "application_type": "native"}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/" + "a" * 2048]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"https://app.example/{n}" for n in range(51)]}, "invalid_client_metadata"),
        ({"post_logout_redirect_uris": ["http://app.example/"]}, "invalid_client_metadata"),
        ({"application_type": "desktop"}, "invalid_client_metadata"),
        ({"grant_types": []}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"grant_types": ["refresh_token"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials", "refresh_token"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"], "response_types": ["code"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"response_types": []}, "invalid_client_metadata"),
        (
            {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"},
            "invalid_client_metadata",
        ),
        ({"grant_types": [EXCHANGE], "token_endpoint_auth_method": "none"}, "invalid_client_metadata"),
        (
            {
                "grant_types": [CIBA],
                "token_endpoint_auth_method": "none",
                "backchannel_token_delivery_mode": "poll",
            },
            "invalid_client_metadata",
        ),
        ({"grant_types": [CIBA]}, "invalid_client_metadata"),
        ({"backchannel_token_delivery_mode": "poll"}, "invalid_client_metadata"),
        ({"grant_types": [CIBA], "backchannel_token_delivery_mode": "push"}, "invalid_client_metadata"),
        ({"backchannel_authentication_request_signing_alg": "ES256"}, "invalid_client_metadata"),
        (
            {
                "grant_types": [CIBA],
                "backchannel_token_delivery_mode": "poll",
                "backchannel_authentication_request_signing_alg": "ES256",
            },
            "invalid_client_metadata",
        ),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata"),
        (
            {
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_san_dns": "app.example",
                "tls_client_auth_san_ip": "192.0.2.1",
            },
            "invalid_client_metadata",
        ),
        (
            {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_ip": "app.example"},
            "invalid_client_metadata",
        ),
        (
            {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "no name"},
            "invalid_client_metadata",
        ),
        (
            {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a b"},
            "invalid_client_metadata",
        ),
        (
            {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_email": "nobody"},
            "invalid_client_metadata",
        ),
        ({"tls_client_auth_san_dns": "app.example"}, "invalid_client_metadata"),
        ({"jwks": {"keys": [EC]}, "jwks_uri": "https://app.example/keys"}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [EC] * 21}}, "invalid_client_metadata"),
        ({"jwks": []}, "invalid_client_metadata"),
        ({"jwks": {"keys": [EC], "more": []}}, "invalid_client_metadata"),
        ({"jwks_uri": "http://app.example/keys"}, "invalid_client_metadata"),
        ({"require_signed_request_object": True}, "invalid_client_metadata"),
        ({"request_object_signing_alg": "ES256"}, "invalid_client_metadata"),
        ({"request_object_signing_alg": "none", "jwks": {"keys": [EC]}}, "invalid_client_metadata"),
        ({"request_object_signing_alg": "PS256", "jwks": {"keys": [EC]}}, "invalid_client_metadata"),
        ({"request_uris": ["http://app.example/request"]}, "invalid_client_metadata"),
        ({"logo_uri": "http://app.example/logo.png"}, "invalid_client_metadata"),
        ({"logo_uri": "data:image/png;base64,AA=="}, "invalid_client_metadata"),
        ({"policy_uri": "https://user@app.example/"}, "invalid_client_metadata"),
        ({"tos_uri": "//app.example/"}, "invalid_client_metadata"),
        ({"client_uri": 'https://app.example/"'}, "invalid_client_metadata"),
        ({"initiate_login_uri": "https://app.example/#x"}, "invalid_client_metadata"),
        ({"backchannel_logout_uri": "http://app.example/"}, "invalid_client_metadata"),
        ({"backchannel_logout_session_required": True}, "invalid_client_metadata"),
        (
            {"subject_type": "pairwise", "redirect_uris": [CALLBACK, "https://other.example/"]},
            "invalid_client_metadata",
        ),
        ({"subject_type": "pairwise", "grant_types": [DEVICE], "redirect_uris": []}, "invalid_client_metadata"),
        ({"subject_type": "secret"}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "invalid_client_metadata"),
        ({"default_max_age": -1}, "invalid_client_metadata"),
        ({"default_max_age": "60"}, "invalid_client_metadata"),
        ({"client_name": ""}, "invalid_client_metadata"),
        ({"client_name": "a\u202eb"}, "invalid_client_metadata"),
        ({"client_name": "a\nb"}, "invalid_client_metadata"),
        ({"client_name": 1}, "invalid_client_metadata"),
        ({"client_name#": "a"}, "invalid_client_metadata"),
        ({"client_name#k o": "a"}, "invalid_client_metadata"),
        ({"contacts": ["a\0b"]}, "invalid_client_metadata"),
        ({"scope": 'openid "'}, "invalid_client_metadata"),
        ({"resources": ["https://api.example/#x"]}, "invalid_client_metadata"),
        ({"resources": ["urn:munjigi:services"]}, "invalid_client_metadata"),
        ({"exchange_audiences": ["https://api.example/"]}, "invalid_client_metadata"),
        ({"exchange_scopes": ["profile"]}, "invalid_client_metadata"),
        ({"no_such_member": 1}, "invalid_client_metadata"),
        ({"software_statement": "a.b.c"}, "unapproved_software_statement"),
        ({"software_statement": {}}, "invalid_software_statement"),
    ],
)
def test_what_cannot_be_registered(changed: dict[str, object], error: str) -> None:
    read(BASE)
    with pytest.raises(InvalidRegistration) as refused:
        read({**BASE, **changed})
    assert refused.value.error == error


@pytest.mark.parametrize(
    "key",
    [
        ECKey.generate_key("P-256").as_dict(private=True),
        RSAKey.generate_key(2048).as_dict(private=True),
        OctKey.generate_key(256).as_dict(private=True),
        {**RSA, "n": RSA["n"][:170]},
        {**RSA, "n": RSA["n"] * 5},
        {**EC, "x": "AA"},
        {**EC, "crv": "P-999"},
        {**EC, "kid": 1},
        {**EC, "kid": "a\0"},
        {"kty": "RSA", "e": "AQAB", "n": "!!"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "AKP"},
        {},
    ],
    ids=lambda key: str(key.get("kty")),
)
def test_no_key_that_is_secret_weak_or_unsound(key: dict[str, object]) -> None:
    with pytest.raises(InvalidRegistration, match="jwks holds a key"):
        read({**BASE, "jwks": {"keys": [EC, key]}})


def test_keys_that_are_sound() -> None:
    okp = OKPKey.generate_key("Ed25519").as_dict(private=False)
    exported = {**EC, "key_ops": ["verify"], "ext": True}
    read({**BASE, "jwks": {"keys": [EC, RSA, okp, exported]}})


def test_a_key_set_has_a_key_for_what_it_is_there_for() -> None:
    for key, algorithm in ((EC, "ES256"), (RSA, "PS256"), (RSA, "RS256")):
        read({**KEYED, "jwks": {"keys": [key]}, "token_endpoint_auth_signing_alg": algorithm})
    for key, algorithm in (
        (EC, "PS256"),
        (RSA, "ES256"),
        ({**EC, "use": "enc"}, None),
        ({**RSA, "alg": "RS256"}, "PS256"),
    ):
        with pytest.raises(InvalidRegistration, match="no key for"):
            read({**KEYED, "jwks": {"keys": [key]}, "token_endpoint_auth_signing_alg": algorithm})


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uris": ["http://127.0.0.1/callback", "com.example.app:/x"], "application_type": "native"},
        {"grant_types": ["client_credentials"], "redirect_uris": []},
        {"grant_types": [DEVICE, "refresh_token"], "redirect_uris": [], "token_endpoint_auth_method": "none"},
        {"grant_types": [CIBA], "redirect_uris": [], "backchannel_token_delivery_mode": "poll"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=app,O=Example,C=KR"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_ip": "2001:db8::1"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_email": "app@app.example"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_uri": "spiffe://app/x"},
        {"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks_uri": "https://app.example/keys"},
        {"subject_type": "pairwise"},
        {
            "subject_type": "pairwise",
            "redirect_uris": [CALLBACK, "https://other.example/"],
            "sector_identifier_uri": "https://app.example/sector",
        },
        {"resources": ["https://api.example/"]},
        {
            "grant_types": ["authorization_code", EXCHANGE],
            "exchange_audiences": ["https://api.example/"],
            "exchange_scopes": ["profile"],
        },
        {"request_uris": ["https://app.example/request#hash"]},
        {"backchannel_logout_uri": "http://localhost:9100/logout"},
    ],
)
def test_what_can_be_registered_reads_back(changed: dict[str, object]) -> None:
    asked = {**BASE, **changed}
    client = read(asked)
    members = registered_members(client)
    assert {name: members.get(name) for name, value in asked.items() if value != []} == {
        name: value for name, value in asked.items() if value != []
    }
    del members["client_id"]
    assert read(members) == client


def test_a_stranger_decides_nothing_that_is_an_administrator_s() -> None:
    grabbed = read(
        {
            **BASE,
            "consent_required": False,
            "profile": "fapi2",
            "code_protection": "optional",
            "resources": ["https://api.example/"],
            "exchange_audiences": ["https://api.example/"],
            "exchange_scopes": ["profile"],
        },
        STRANGER,
    )
    assert grabbed.metadata == ClientMetadata(consent_required=True)
    decided = read({**FAPI, "resources": ["https://api.example/"]})
    kept = read(
        {**KEYED, "dpop_bound_access_tokens": True, "require_pushed_authorization_requests": True}, STRANGER, decided
    )
    assert (kept.metadata.profile, kept.metadata.resources) == ("fapi2", ("https://api.example/",))
    assert not kept.metadata.consent_required
    with pytest.raises(InvalidRegistration, match="fapi2"):
        read(BASE, STRANGER, decided)


def test_what_an_administrator_gave_a_client_keeps_when_it_sends_it_back() -> None:
    given = read(
        {
            **BASE,
            "scope": "openid ssf.manage",
            "grant_types": ["authorization_code", "client_credentials"],
            "backchannel_logout_uri": "http://localhost:9100/logout",
            "jwks_uri": "https://keys.internal/keys",
        }
    )
    sent_back = registered_members(given)
    assert read(sent_back, STRANGER, given) == given
    with pytest.raises(InvalidRegistration, match="administrator alone"):
        read({**sent_back, "backchannel_logout_uri": "http://localhost:9101/logout"}, STRANGER, given)


@pytest.mark.parametrize("mode", ["ping", "push"])
def test_nobody_is_called(mode: str) -> None:
    with pytest.raises(InvalidRegistration, match="clients poll here"):
        read({**BASE, "grant_types": [CIBA], "redirect_uris": [], "backchannel_token_delivery_mode": mode})


def test_requests_behind_backs_are_signed_by_a_key_that_can() -> None:
    polled = {**KEYED, "grant_types": ["authorization_code", CIBA], "backchannel_token_delivery_mode": "poll"}
    kept = read({**polled, "backchannel_authentication_request_signing_alg": "ES256"})
    assert kept.metadata.backchannel_authentication_request_signing_alg == "ES256"
    with pytest.raises(InvalidRegistration, match="no key for backchannel"):
        read({**polled, "backchannel_authentication_request_signing_alg": "PS256"})


def test_a_stranger_gets_less() -> None:
    assert read({**BASE, "scope": "openid ssf.manage email"}, STRANGER).scopes == ("openid", "email")
    with pytest.raises(InvalidRegistration, match="scope"):
        read({**BASE, "scope": "read write dolphin"}, STRANGER)
    for grant in ("client_credentials", EXCHANGE, CIBA):
        with pytest.raises(InvalidRegistration, match="administrator alone"):
            read({**BASE, "grant_types": ["authorization_code", grant]}, STRANGER)
    with pytest.raises(InvalidRegistration, match="administrator alone"):
        read({**BASE, "backchannel_logout_uri": "https://app.example/logout"}, STRANGER)


@pytest.mark.parametrize(
    "uri",
    [
        "https://localhost/keys",
        "https://app.localhost/keys",
        "https://127.0.0.1/keys",
        "https://127.1/keys",
        "https://2130706433/keys",
        "https://10.0.0.1/keys",
        "https://169.254.169.254/latest",
        "https://[::1]/keys",
        "https://[::ffff:10.0.0.1]/keys",
        "https://[fd00::1]/keys",
        "https://intranet/keys",
        "https://db.internal/keys",
    ],
)
def test_a_stranger_names_no_private_place(uri: str) -> None:
    for member in ({"jwks_uri": uri}, {"sector_identifier_uri": uri}, {"request_uris": [uri]}):
        with pytest.raises(InvalidRegistration, match="anybody can reach"):
            read({**BASE, **member}, STRANGER)
        read({**BASE, **member})


@pytest.mark.parametrize(
    "changed",
    [
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "none"},
        {"require_pushed_authorization_requests": False},
        {"dpop_bound_access_tokens": False},
        {"id_token_signed_response_alg": "RS256"},
        {"token_endpoint_auth_signing_alg": "RS256", "jwks": {"keys": [RSA]}},
        {"redirect_uris": ["http://localhost:9100/callback"]},
    ],
)
def test_the_profile_fapi2_holds_a_client_to_it(changed: dict[str, object]) -> None:
    read(FAPI)
    with pytest.raises(InvalidRegistration, match="fapi2"):
        read({**FAPI, **changed})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_NAMES = sorted(
    {*ClientMetadata.__struct_fields__, *registered_members(read(BASE)), "client_name#ko", "software_statement"}
)


@given(asked=st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=8), _JSON, max_size=6), vouched=st.booleans())
def test_whatever_is_sent_is_taken_or_refused(asked: dict[str, object], vouched: bool) -> None:
    for whole in (asked, {**BASE, **asked}):
        try:
            client = read(whole, ADMINISTRATOR if vouched else STRANGER)
        except InvalidRegistration as refused:
            assert refused.description.isascii()  # noqa: PT017 - it is one of two outcomes
            assert refused.description.isprintable()  # noqa: PT017
        else:
            assert msgspec.convert(msgspec.to_builtins(client.metadata), ClientMetadata) == client.metadata


_PATHS = st.text("abcdefgh/-_.~", min_size=0, max_size=12)
_HTTPS = st.builds(lambda host, path: f"https://{host}.example/{path}", st.sampled_from(("a", "b")), _PATHS)
_LINES = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20)
_SOUND = st.fixed_dictionaries(
    {"redirect_uris": st.lists(_HTTPS, min_size=1, max_size=4, unique=True)},
    optional={
        "post_logout_redirect_uris": st.lists(_HTTPS, min_size=1, max_size=3, unique=True),
        "token_endpoint_auth_method": st.sampled_from(("client_secret_basic", "client_secret_post", "none")),
        "grant_types": st.sampled_from(
            (["authorization_code"], ["authorization_code", "refresh_token"], ["authorization_code", DEVICE])
        ),
        "response_types": st.just(["code"]),
        "client_name": _LINES,
        "scope": st.sampled_from(("openid", "openid profile", "email openid")),
        "contacts": st.lists(_LINES, min_size=1, max_size=3),
        "software_id": _LINES,
        "software_version": _LINES,
        "client_uri": _HTTPS,
        "logo_uri": _HTTPS,
        "policy_uri": _HTTPS,
        "tos_uri": _HTTPS,
        "initiate_login_uri": _HTTPS,
        "jwks_uri": _HTTPS,
        "request_uris": st.lists(_HTTPS, min_size=1, max_size=3, unique=True),
        "subject_type": st.just("public"),
        "id_token_signed_response_alg": st.sampled_from(("ES256", "RS256")),
        "userinfo_signed_response_alg": st.sampled_from(("ES256", "RS256")),
        "authorization_signed_response_alg": st.sampled_from(("ES256", "RS256")),
        "introspection_signed_response_alg": st.sampled_from(("ES256", "RS256")),
        "default_max_age": st.integers(0, 10**9),
        "require_auth_time": st.booleans(),
        "dpop_bound_access_tokens": st.booleans(),
        "require_pushed_authorization_requests": st.booleans(),
        "application_type": st.sampled_from(("web", "native")),
        "default_acr_values": st.just(["urn:munjigi:acr:2"]),
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(asked=_SOUND, terms=st.sampled_from((STRANGER, ADMINISTRATOR)))
def test_what_is_sound_reads_back_the_same(asked: dict[str, object], terms: Terms) -> None:
    client = read(asked, terms)
    members = registered_members(client)
    assert {name: members.get(name) for name in asked} == asked
    del members["client_id"]
    assert read(members, terms, client) == client


@pytest.mark.parametrize("protection", ["pkce_or_nonce", "optional"])
def test_who_may_do_without_pkce(protection: str) -> None:
    assert read({**BASE, "code_protection": protection}).metadata.code_protection == protection
    for asked in ({**BASE, "token_endpoint_auth_method": "none"}, FAPI):
        assert read(asked).metadata.code_protection == "pkce"
        with pytest.raises(InvalidRegistration, match="code_protection"):
            read({**asked, "code_protection": protection})
