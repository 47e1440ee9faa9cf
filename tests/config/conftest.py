"""A folder for engines of a test's own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings


@pytest.fixture
def own() -> Iterator[Settings]:
    """Settings on a new folder that nobody else may enter, with a short name."""
    folder = Path(tempfile.mkdtemp(prefix="mj-"))
    yield Settings(var=folder / "v")
    shutil.rmtree(folder)
