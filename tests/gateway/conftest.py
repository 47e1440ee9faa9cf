"""The rig of the gateway's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from tests.clock import FakeClock
from tests.gateway.rig import Rig


@pytest.fixture
async def rig(
    settings: Settings,
    database: Callable[[Role], Database],
    valkey: Valkey,
    clock: FakeClock,
    tmp_path: Path,
) -> AsyncIterator[Rig]:
    """A pipeline on real engines, with a clock that stands still."""
    built = Rig(settings, database("gateway"), valkey, clock, tmp_path)
    yield built
    await built.http.aclose()
