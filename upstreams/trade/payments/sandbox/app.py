"""The composition root of the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from config.clock import SystemClock
from config.entropy import SystemEntropy
from config.serving import serve_application
from config.settings import Settings, WrongSettings
from config.this_machine import is_this_machine
from config.web import web_application
from pages import Assets, Pages
from upstreams.trade.payments.sandbox.api import Api
from upstreams.trade.payments.sandbox.books import Books
from upstreams.trade.payments.sandbox.faults import Faults
from upstreams.trade.payments.sandbox.pages import HERE, PayPages
from upstreams.trade.payments.sandbox.posting import Posting
from upstreams.trade.payments.sandbox.toss_api import TossApi
from upstreams.trade.payments.sandbox_keys import sandbox_keys, sandbox_origin

BOOKS = "payment-sandbox.jsonl"
_NAMES = ("localhost", "127.0.0.1", "[::1]")


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve the sandbox until `stop` is set. Raises `WrongSettings` for an address beyond this machine."""
    listen = settings.payments.listen
    if not is_this_machine(listen.rpartition(":")[0].strip("[]")):
        raise WrongSettings(
            "MUNJIGI_PAYMENTS__LISTEN: the sandbox takes pretended cards of anybody who comes, so it listens on "
            "loopback alone. Set MUNJIGI_PAYMENTS__PROVIDER to take money."
        )
    keys, clock, entropy = sandbox_keys(settings), SystemClock(), SystemEntropy()
    name = partial(entropy.token, 15)
    books = Books(settings.var.absolute() / BOOKS)
    bank, faults, posting = books.bank(name), Faults(), Posting(keys.webhook, name, clock)
    assets = Assets(base="/assets")
    pages = Pages(HERE / "templates", assets=assets, help_at=f"{settings.idp.issuer}/help")
    app = Starlette(
        routes=[
            *Api(bank, faults, posting, keys.api, sandbox_origin(settings)).routes(),
            *TossApi(bank, faults, name, keys.api, clock).routes(),
            *PayPages(bank, posting, pages, assets).routes(),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(_NAMES), www_redirect=False)],
    )
    try:
        await serve_application(web_application(app), listen, ready=ready, stop=stop, drain=1)
    finally:
        await posting.aclose()
        books.close()
