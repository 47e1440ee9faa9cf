"""The data path's tests run on the event loop that it runs on in the product."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: unix sockets have no room for pytest's own."""
    with tempfile.TemporaryDirectory(prefix="mj-") as path:
        yield Path(path)
