"""`oidcc-config-certification-test-plan`, and what the logout plans ask of discovery."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from config.connections import Valkey
from config.settings import Settings
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.keyed import changed
from tests.idp.provider import running_provider

ISSUER = "https://id.example"


@pytest.fixture
async def said(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> AsyncIterator[dict[str, Any]]:
    """The discovery document of a provider on a public host, with its keys as `jwks`."""
    public = changed(settings, issuer=ISSUER, registration="open")
    async with running_provider(public, database("idp"), valkey, clock) as provider, provider.client() as http:
        answer = await http.get("/.well-known/openid-configuration")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/json")
        jwks = await http.get("/jwks")
        yield {**answer.json(), "jwks": jwks.json()["keys"]}


async def test_oidcc_discovery_endpoint_verification(said: dict[str, Any]) -> None:
    assert said["issuer"] == ISSUER
    for name, value in said.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(ISSUER + "/"), name
    needed = {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint"}
    assert needed <= said.keys()
    assert "code" in said["response_types_supported"]
    assert {*said["subject_types_supported"]} <= {"public", "pairwise"}
    assert "RS256" in said["id_token_signing_alg_values_supported"]
    assert "RS256" in said["userinfo_signing_alg_values_supported"]
    assert "RS256" in said["request_object_signing_alg_values_supported"]
    assert "openid" in said["scopes_supported"]
    assert "authorization_code" in said["grant_types_supported"]
    assert {"sub", "name", "email"} <= {*said["claims_supported"]}
    assert said["claims_parameter_supported"] is True
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["jwks"]
    for key in said["jwks"]:
        assert {"kid", "kty", "alg", "use"} <= key.keys()
        assert not {"d", "p", "q", "k"} & key.keys()
    assert {key["kty"] for key in said["jwks"]} == {"EC", "RSA"}
    assert len({key["kid"] for key in said["jwks"]}) == len(said["jwks"])


async def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(said: dict[str, Any]) -> None:
    assert said["end_session_endpoint"].startswith(ISSUER + "/")


async def test_oidcc_backchannel_logout_discovery_endpoint_verification(said: dict[str, Any]) -> None:
    assert said["backchannel_logout_supported"] is True
    assert said["backchannel_logout_session_supported"] is True
