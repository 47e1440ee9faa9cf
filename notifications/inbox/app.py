"""The composition root of the local inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from config.clock import Clock, SystemClock
from config.entropy import Entropy, SystemEntropy
from config.serving import serve_application
from config.settings import Settings, WrongSettings
from config.this_machine import is_this_machine
from config.web import web_application
from notifications.inbox.kept import Inbox
from notifications.inbox.pages import HERE, InboxPages
from notifications.inbox.smtp_door import Doorkeeper, smtp_door
from pages import Assets, Pages

_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""As whom browsers know it; any other name is a page elsewhere that wants to read along (DNS rebinding)."""


def application(inbox: Inbox, issuer: str, clock: Clock, entropy: Entropy, stop: asyncio.Event) -> ASGIApp:
    """The pages of the inbox."""
    assets = Assets(HERE / "static", base="/assets")
    pages = Pages(HERE / "templates", assets=assets, help_at=f"{issuer}/help")
    app = Starlette(
        routes=InboxPages(inbox, pages, assets, clock, entropy, stop).routes(),
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(_NAMES), www_redirect=False)],
    )
    return web_application(app, trust_correlation=False)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Take and show mails until `stop` is set. Raises `WrongSettings` for an address beyond this machine."""
    for name in ("listen", "smtp"):
        host = getattr(settings.inbox, name).rpartition(":")[0].strip("[]")
        if not is_this_machine(host):
            raise WrongSettings(
                f"MUNJIGI_INBOX__{name.upper()}: the local inbox shows sign-in codes to whoever asks, so it listens on "
                "loopback alone. Set MUNJIGI_MAIL__SERVER to send mails."
            )
    inbox, clock, entropy = Inbox(), SystemClock(), SystemEntropy()
    ending = asyncio.create_task(_end(inbox, stop))
    try:
        async with smtp_door(settings.inbox.smtp, Doorkeeper(inbox, clock, entropy)):
            app = application(inbox, settings.idp.issuer, clock, entropy, stop)
            await serve_application(app, settings.inbox.listen, ready=ready, stop=stop)
    finally:
        ending.cancel()


async def _end(inbox: Inbox, stop: asyncio.Event) -> None:
    await stop.wait()
    inbox.wake()
