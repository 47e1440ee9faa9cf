"""The endpoints of OAuth and OpenID Connect, by the description in `idp.openapi`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import httpx2
import pytest

from config.sections.identity import IdentityProviderSettings
from config.settings import Settings
from idp.endpoints.discovery import metadata
from idp.openapi import ENDPOINTS
from idp.openapi_document import document
from idp.routes import TABLE
from tests.fuzz.conformance import LONG, QUICK, ask_everything

ISSUER = "https://id.example"


def test_every_endpoint_that_discovery_names_is_described_and_served() -> None:
    told = metadata(IdentityProviderSettings(issuer=ISSUER, registration="open"))
    named = {str(value).removeprefix(ISSUER) for name, value in told.items() if name.endswith(("_endpoint", "_uri"))}
    described = {row.path: set(row.methods) for row in ENDPOINTS}
    assert named <= described.keys(), "describe it in idp/openapi.py"
    served = {path: set(methods) for path, methods, _ in TABLE}
    assert described == {path: served[path] for path in described}


@pytest.mark.parametrize("examples", [QUICK, LONG])
def test_protocol(settings: Settings, client: httpx2.Client, known: dict[str, str], examples: int) -> None:
    bearers = itertools.cycle(({}, {"Authorization": f"Bearer {known['token']}"}))

    def headers(path: str) -> Mapping[str, str]:
        return next(bearers) if path == "/userinfo" else {}

    assert ask_everything(document(settings.idp.issuer), client, known, headers, examples) > examples
