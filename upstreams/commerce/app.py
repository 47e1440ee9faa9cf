"""The composition root of commerce."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.routing import Mount, Router
from starlette.types import ASGIApp

from config.clock import Clock, SystemClock
from config.connections import Database, open_database
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.serving import serve_application
from config.settings import Settings
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from pages import Assets, Pages
from upstreams import door
from upstreams.commerce.checkout import Checkout
from upstreams.commerce.endpoints.orders import Orders
from upstreams.commerce.endpoints.products import Products
from upstreams.commerce.storage.stores import postgresql_stores
from upstreams.door.answers import ProblemPages, nothing_here
from upstreams.door.forms import FormTokens
from upstreams.door.obligations import ReadOnlyHonoured
from upstreams.door.words import PersonPages

HERE = Path(__file__).parent
DOOR = Path(door.__file__).parent
SERVICE: Final = "commerce"


def application(database: Database, envelope: Envelope, clock: Clock, entropy: Entropy) -> ASGIApp:
    """The shop, without its door."""
    assets = Assets(DOOR / "static", HERE / "static", base="/assets")
    pages = PersonPages(Pages(HERE / "templates", DOOR / "templates", assets=assets))
    tokens = FormTokens(envelope, clock)
    stores = postgresql_stores()
    checkout = Checkout(database, stores, clock, entropy)
    routes = [
        *Products(database, stores.catalogue, entropy, pages, tokens).routes(),
        *Orders(database, checkout, stores.purchases, pages, tokens).routes(),
        Mount("/assets", assets),
    ]
    router = Router(routes, redirect_slashes=False, default=nothing_here)
    return ProblemPages(ReadOnlyHonoured(router), pages)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve the shop on its socket until `stop` is set."""
    clock, entropy, envelope = SystemClock(), SystemEntropy(), Envelope.load(settings)
    database = open_database(settings, SERVICE)
    try:
        entrance = await Entrance.open(SERVICE, database, SigningKeys(envelope).assertion_keys, clock)
        app = entrance.around(application(database, envelope, clock, entropy))
        async with asyncio.TaskGroup() as tasks:
            fresh = tasks.create_task(entrance.keep_keys_fresh())
            await serve_application(app, f"unix:{settings.upstream_socket(SERVICE)}", ready=ready, stop=stop)
            fresh.cancel()
    finally:
        await database.dispose()
