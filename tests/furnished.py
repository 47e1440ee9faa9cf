"""What `munjigi up` makes of an empty folder, made once for all houses of a process and copied into each: engines'
folders, secrets, the migrated database. The demo data hold the gateway's port: each house loads its own.
"""

from __future__ import annotations

import asyncio
import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.commands import forks
from tests.engines import memory_folder


def furnish(var: Path) -> None:
    """Let there be such a `var/`; this one must not be there yet."""
    # `-a`: each engine's folder belongs to the account that runs the engine
    subprocess.run(["cp", "-a", str(_furnished()), str(var)], check=True)


@cache
def _furnished() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mj-", dir=memory_folder()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    var = folder / "v"
    making = forks().Process(target=_make, args=(var,))
    making.start()
    making.join()
    assert making.exitcode == 0
    return var


def _make(var: Path) -> None:
    """In a process of its own: where a test drives a browser, no event loop can run in the tests' own."""
    from config.client_secret import create_client_secret
    from config.engines.embedded import running_engines
    from config.envelope import Envelope
    from config.settings import Settings
    from migrations.runner import migrate

    settings = Settings(var=var)
    with running_engines(settings, durable=False):
        Envelope.create(settings)
        create_client_secret(settings)
        asyncio.run(migrate(settings))
