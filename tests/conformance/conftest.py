"""The provider of `tests/idp`, and the party of the suite."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from config.connections import Valkey
from config.settings import Settings
from tests.clock import FakeClock
from tests.conformance.bank import SELF_SIGNED, Bank
from tests.conformance.party import Party
from tests.idp.conftest import OpenDatabase
from tests.idp.conftest import provider as provider
from tests.idp.keyed import changed
from tests.idp.provider import Provider, running_provider

PLANS = {"oidcc-basic": None, "oidcc-formpost-basic": "form_post"}
"""Two plans with the same modules, and the `response_mode` of each."""


@pytest.fixture(params=PLANS)
async def party(request: pytest.FixtureRequest, provider: Provider) -> Party:
    return await Party.of(provider, PLANS[request.param])


VARIANTS = {
    "private_key_jwt-dpop": ("private_key_jwt", "dpop"),
    "private_key_jwt-mtls": ("private_key_jwt", "mtls"),
    "mtls-mtls": (SELF_SIGNED, "mtls"),
}


@pytest.fixture(params=VARIANTS)
async def bank(
    request: pytest.FixtureRequest, settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> AsyncIterator[Bank]:
    """The client of each variant of the FAPI plan, at a provider behind a proxy that ends TLS."""
    behind = changed(settings, client_certificate_header=True, trusted_proxies=("127.0.0.1/32",))
    async with running_provider(behind, database("idp"), valkey, clock) as provider:
        clock.advance(42)  # what was made before the memory of proofs began is refused
        yield await Bank(provider, *VARIANTS[request.param]).registered()
