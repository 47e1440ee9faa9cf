"""The program of `docs/how-to/call-services-as-a-program.md` gets a token, and takes it back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from config.connections import Database, Valkey
from config.settings import Role, Settings
from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.grants.programs import claims, program
from tests.idp.grants.test_client_credentials import active
from tests.idp.provider import SECRET, Provider, running_provider

PAGE = PROJECT / "docs" / "how-to" / "call-services-as-a-program.md"


@pytest.fixture
async def provider(
    settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock
) -> AsyncIterator[Provider]:
    async with running_provider(settings, database("idp"), valkey, clock) as running:
        yield running


async def test_a_program_gets_a_token_and_takes_it_back(provider: Provider) -> None:
    page, app = defined_by(PAGE), await program(provider, "nightly")
    async with provider.client() as http:
        token = await page["token"](http, "nightly", SECRET)
        assert claims(provider, token)["sub"] == "nightly"
        assert await active(provider, app, token)
        await page["revoke"](http, "nightly", SECRET, token)
    assert not await active(provider, app, token)
