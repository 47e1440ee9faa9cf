"""The composition root of commerce."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.routing import BaseRoute, Mount, Router
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
from upstreams.commerce.catalogue.types import Strategies
from upstreams.commerce.checkout import Checkout
from upstreams.commerce.endpoints.browsing import Browsing
from upstreams.commerce.endpoints.description import CatalogueDescription
from upstreams.commerce.endpoints.editors import Desk
from upstreams.commerce.endpoints.lives import LifeEndpoints
from upstreams.commerce.endpoints.orders import Orders
from upstreams.commerce.endpoints.picture_administration import PictureAdministration
from upstreams.commerce.endpoints.product_administration import ProductAdministration
from upstreams.commerce.endpoints.products import Products
from upstreams.commerce.endpoints.stock import StockEndpoints
from upstreams.commerce.endpoints.structure import StructureEndpoints
from upstreams.commerce.lifecycle.keeping import Lifecycle
from upstreams.commerce.stocking.keeping import Warehousing
from upstreams.commerce.storage.stores import catalogue_stores, postgresql_stores
from upstreams.door.answers import ProblemPages, nothing_here
from upstreams.door.forms import FormTokens
from upstreams.door.obligations import ReadOnlyHonoured
from upstreams.door.words import PersonPages

HERE = Path(__file__).parent
DOOR = Path(door.__file__).parent
SERVICE: Final = "commerce"


def application(
    database: Database, envelope: Envelope, clock: Clock, entropy: Entropy, strategies: Strategies | None = None
) -> ASGIApp:
    """The shop, without its door. `strategies`: the ways of selling, those that ship where nothing is said."""
    assets = Assets(DOOR / "static", HERE / "static", base="/assets")
    pages = PersonPages(Pages(HERE / "templates", DOOR / "templates", assets=assets))
    tokens = FormTokens(envelope, clock)
    strategies = strategies or Strategies()
    stores = postgresql_stores(strategies)
    checkout = Checkout(database, stores, clock, entropy)
    routes = [
        *Orders(database, checkout, stores.purchases, pages, tokens).routes(),
        *catalogue_routes(database, envelope, clock, entropy, strategies, pages, tokens),
        Mount("/assets", assets),
    ]
    router = Router(routes, redirect_slashes=False, default=nothing_here)
    return ProblemPages(ReadOnlyHonoured(router), pages)


def catalogue_routes(
    database: Database,
    envelope: Envelope,
    clock: Clock,
    entropy: Entropy,
    strategies: Strategies,
    pages: PersonPages,
    tokens: FormTokens,
) -> list[BaseRoute]:
    """Looking around, and the administration of products."""
    stores = catalogue_stores(envelope, strategies)
    lifecycle = Lifecycle(stores.lives, stores.versions, stores.options, clock, entropy)
    desk = Desk(database, stores, lifecycle, Warehousing(stores.stock, stores.keeping, clock), clock, entropy)
    return [
        *Browsing(database, stores, strategies, entropy, pages, tokens).routes(),
        *Products(database, stores, clock).routes(),
        *ProductAdministration(desk, strategies).routes(),
        *PictureAdministration(desk).routes(),
        *LifeEndpoints(desk).routes(),
        *StructureEndpoints(desk, strategies).routes(),
        *StockEndpoints(desk).routes(),
        *CatalogueDescription().routes(),
    ]


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
