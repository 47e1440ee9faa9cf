"""The example relying app beside `munjigi up`: where the source has it, and nobody else uses its port."""

from __future__ import annotations

import os
import runpy
import socket
import sys
from pathlib import Path
from typing import TextIO

from cli.children import Child, ForkedChild
from cli.services import PROJECT
from config.sections.identity import IdentityProviderSettings
from config.serving import CannotListen, listener
from config.settings import Settings

EXAMPLE_ADDRESS = "http://app.localhost:9100/"
_LISTEN = ("127.0.0.1", 9100)


def example_app(settings: Settings, logs: Path) -> Child | None:
    """The app as a child, or `None` where it does not belong: it knows the identity provider's default address only."""
    secret = settings.secrets / "demo-app-client.secret"
    at_home = settings.idp.issuer == IdentityProviderSettings().issuer
    if not at_home or not secret.exists() or not (PROJECT / "examples" / "relying_app").is_dir():
        return None
    try:
        listener("{}:{}".format(*_LISTEN)).close()
    except CannotListen:
        return None

    def run(_terminal: TextIO) -> None:
        os.environ["DEMO_APP_CLIENT_SECRET"] = secret.read_text(encoding="ascii").strip()
        os.environ["DEMO_APP_SHOP"] = f"http://shop.localhost:{settings.gateway.port}"
        sys.path.insert(0, str(PROJECT))
        runpy.run_module("examples.relying_app", run_name="__main__")

    return ForkedChild("example-app", logs / "example-app.log", run, _answers)


def _answers() -> bool:
    try:
        socket.create_connection(_LISTEN, timeout=1).close()
    except OSError:
        return False
    return True
