"""Fixtures of the identity provider's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from tests.clock import FakeClock
from tests.idp.provider import Provider, running_provider

OpenDatabase = Callable[[Role], Database]


@pytest.fixture
async def provider(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> AsyncIterator[Provider]:
    """A whole identity provider on real engines, by the test's clock."""
    async with running_provider(settings, database("idp"), valkey, clock) as running:
        yield running
