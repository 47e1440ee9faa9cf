"""The composition root of commerce."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.routing import BaseRoute, Mount, Router
from starlette.types import ASGIApp

from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.serving import serve_application
from config.settings import Settings
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from notifications.queue import Queue
from pages import Assets, Pages
from upstreams import door
from upstreams.commerce.cart.desk import CartDesk
from upstreams.commerce.cart.guest import GuestCookie
from upstreams.commerce.catalogue.types import Strategies
from upstreams.commerce.endpoints import description, order_description
from upstreams.commerce.endpoints.browsing import Browsing
from upstreams.commerce.endpoints.carts import CartEndpoints
from upstreams.commerce.endpoints.checkout import CheckoutPages
from upstreams.commerce.endpoints.editors import Desk
from upstreams.commerce.endpoints.lives import LifeEndpoints
from upstreams.commerce.endpoints.order_pages import OrderPages
from upstreams.commerce.endpoints.orders import Orders
from upstreams.commerce.endpoints.payments import PaymentEndpoints
from upstreams.commerce.endpoints.picture_administration import PictureAdministration
from upstreams.commerce.endpoints.product_administration import ProductAdministration
from upstreams.commerce.endpoints.products import Products
from upstreams.commerce.endpoints.selling import SellingEndpoints
from upstreams.commerce.endpoints.stock import StockEndpoints
from upstreams.commerce.endpoints.structure import StructureEndpoints
from upstreams.commerce.endpoints.vendor import VendorEndpoints
from upstreams.commerce.faults import NONE, Faults
from upstreams.commerce.ledger.settlement import Settlement
from upstreams.commerce.lifecycle.keeping import Lifecycle
from upstreams.commerce.ordering.changes import Changes
from upstreams.commerce.ordering.placing import Checkout
from upstreams.commerce.ordering.telling import Telling
from upstreams.commerce.ordering.withdrawing import WithdrawalDesk
from upstreams.commerce.paying.desk import PaymentDesk
from upstreams.commerce.paying.transfer import BankTransfers
from upstreams.commerce.sellers.desk import SellerDesk
from upstreams.commerce.shipping.desk import ShippingDesk
from upstreams.commerce.stocking.keeping import Warehousing
from upstreams.commerce.storage.stores import catalogue_stores, postgresql_stores
from upstreams.commerce.storage.transfers import StoredTransfers
from upstreams.door.answers import ProblemPages, nothing_here
from upstreams.door.description import Description
from upstreams.door.forms import FormTokens
from upstreams.door.obligations import ReadOnlyHonoured
from upstreams.door.words import PersonPages
from upstreams.trade.payments.choosing import provider_of
from upstreams.trade.payments.provider import Provider

HERE = Path(__file__).parent
DOOR = Path(door.__file__).parent
SERVICE: Final = "commerce"


def application(
    database: Database,
    valkey: Valkey,
    envelope: Envelope,
    clock: Clock,
    entropy: Entropy,
    provider: Provider,
    settings: Settings,
    faults: Faults = NONE,
    strategies: Strategies | None = None,
) -> ASGIApp:
    """The shop, without its door. `strategies`: the ways of selling, those that ship where nothing is said."""
    assets = Assets(DOOR / "static", HERE / "static", base="/assets")
    pages = PersonPages(Pages(HERE / "templates", DOOR / "templates", assets=assets))
    tokens, origin = FormTokens(envelope, clock), settings.shop_origin
    strategies = strategies or Strategies()
    stores, transfers = postgresql_stores(envelope, entropy, strategies), StoredTransfers()
    providers: dict[str, Provider] = {provider.name: provider}
    bank = BankTransfers(database, transfers, clock)
    providers[bank.name] = bank
    telling = Telling(valkey, Queue(envelope, clock, entropy), stores.sellers, origin)
    changes = Changes(stores, telling)
    account = settings.payments.account
    checkout = Checkout(database, stores, changes, clock, entropy, provider.name, account, faults)
    payments = PaymentDesk(database, valkey, stores, providers, transfers, clock, entropy, origin, faults)
    carts = CartDesk(database, stores.carts, stores.catalogue, stores.terms, stores.keys, clock, entropy)
    withdrawals = WithdrawalDesk(database, stores, changes, payments, clock, entropy, faults)
    shipping = ShippingDesk(database, stores, changes, clock, entropy)
    settlement = Settlement(database, stores.ledger, clock, entropy)
    sellers = SellerDesk(database, stores.sellers, stores.keys, clock, entropy)
    guests = GuestCookie(envelope, secure=origin.startswith("https://"))
    routes = [
        *catalogue_routes(database, envelope, clock, entropy, strategies, pages, tokens),
        *CartEndpoints(carts, guests, pages, tokens, entropy).routes(),
        *CheckoutPages(carts, checkout, payments, guests, pages, tokens, entropy).routes(),
        *PaymentEndpoints(database, stores, payments, clock).routes(),
        *Orders(database, checkout, stores, withdrawals, tokens).routes(),
        *OrderPages(database, stores, payments, withdrawals, pages, tokens, entropy, account).routes(),
        *VendorEndpoints(database, stores, sellers, shipping, withdrawals, settlement, pages, tokens, entropy).routes(),
        *SellingEndpoints(sellers, payments, settlement).routes(),
        *Description(order_description.ADDRESS, order_description.described).routes(),
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
        *Description(description.ADDRESS, description.described).routes(),
    ]


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve the shop on its socket until `stop` is set."""
    clock, entropy, envelope = SystemClock(), SystemEntropy(), Envelope.load(settings)
    database, valkey, provider = open_database(settings, SERVICE), open_valkey(settings), provider_of(settings)
    try:
        entrance = await Entrance.open(SERVICE, database, SigningKeys(envelope).assertion_keys, clock)
        app = entrance.around(application(database, valkey, envelope, clock, entropy, provider, settings))
        async with asyncio.TaskGroup() as tasks:
            fresh = tasks.create_task(entrance.keep_keys_fresh())
            await serve_application(app, f"unix:{settings.upstream_socket(SERVICE)}", ready=ready, stop=stop)
            fresh.cancel()
    finally:
        await provider.aclose()
        await valkey.aclose()
        await database.dispose()
