"""The provider of `tests/idp`, and the party of the suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from cryptography.hazmat.primitives.serialization import Encoding

from config.connections import Valkey
from config.settings import Settings
from tests.clock import FakeClock
from tests.conformance.bank import BY_AUTHORITY, SELF_SIGNED, Bank
from tests.conformance.party import Party
from tests.idp.conftest import OpenDatabase
from tests.idp.conftest import provider as provider
from tests.idp.keyed import changed
from tests.idp.keys import Key, certificate
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
    "mtls_by_authority-mtls": (BY_AUTHORITY, "mtls"),
}
AS_A_PROOF = ("mtls_by_authority-mtls",)
"""It differs from `mtls-mtls` in who vouches for the certificate alone, which `test_mutual_tls.py` has in every run:
the plan as a whole is run by `make proof`."""


def variants(names: Iterable[str]) -> list[ParameterSet]:
    return [pytest.param(name, marks=[pytest.mark.proof] if name in AS_A_PROOF else []) for name in names]


@pytest.fixture(params=variants(VARIANTS))
async def bank(
    request: pytest.FixtureRequest,
    settings: Settings,
    database: OpenDatabase,
    valkey: Valkey,
    clock: FakeClock,
    tmp_path: Path,
) -> AsyncIterator[Bank]:
    """The client of each variant of the FAPI plan, at a provider behind a proxy that ends TLS."""
    authority_key = Key()
    authority = certificate(authority_key, clock.now(), subject="CN=an authority", authority=True, days=30)
    (tmp_path / "authority.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    behind = changed(
        settings,
        client_certificate_header=True,
        client_certificate_authorities=tmp_path / "authority.pem",
        trusted_proxies=("127.0.0.1/32",),
    )
    async with running_provider(behind, database("idp"), valkey, clock) as provider:
        clock.advance(42)  # what was made before the memory of proofs began is refused
        yield await Bank(provider, *VARIANTS[request.param], authority=(authority, authority_key)).registered()
