"""A folder that a measurement has to itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_folder() -> Iterator[Path]:
    """Gone afterwards. Its name is short, since sockets stand in it."""
    folder = Path(tempfile.mkdtemp(prefix="mj-bench-"))
    folder.chmod(0o755)  # the engines' account must be able to come in when root measures
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
