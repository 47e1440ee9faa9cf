"""The composition root of reservation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.routing import Mount, Router
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
from upstreams.door.answers import ProblemPages, nothing_here
from upstreams.door.description import Description
from upstreams.door.forms import FormTokens
from upstreams.door.obligations import ReadOnlyHonoured
from upstreams.door.words import PersonPages
from upstreams.reservation.availability import Availability
from upstreams.reservation.batch import Batches
from upstreams.reservation.cancelling.desk import CancellationDesk
from upstreams.reservation.desk import Desk
from upstreams.reservation.endpoints import description
from upstreams.reservation.endpoints.administration import AdministrationEndpoints
from upstreams.reservation.endpoints.administration_page import AdministrationPage
from upstreams.reservation.endpoints.cancellations import CancellationEndpoints
from upstreams.reservation.endpoints.cancelling_page import CancellingPage
from upstreams.reservation.endpoints.choosing import ChoosingPages
from upstreams.reservation.endpoints.events import Events
from upstreams.reservation.endpoints.offers import OfferEndpoints
from upstreams.reservation.endpoints.payment_window import PaymentWindow
from upstreams.reservation.endpoints.payments import PaymentEndpoints
from upstreams.reservation.endpoints.reservations import ReservationEndpoints
from upstreams.reservation.gate import Gate
from upstreams.reservation.gatekeeping import Gatekeeper
from upstreams.reservation.lane import Lane
from upstreams.reservation.metrics import Heat
from upstreams.reservation.paying.desk import PaymentDesk
from upstreams.reservation.queue import RequestQueue
from upstreams.reservation.results import Hub, Teller
from upstreams.reservation.storage.stores import postgresql_money_stores, postgresql_stores
from upstreams.reservation.telling import Telling
from upstreams.trade.payments.choosing import provider_of
from upstreams.trade.payments.provider import Provider

HERE = Path(__file__).parent
DOOR = Path(door.__file__).parent
SERVICE: Final = "reservation"
DRAIN = 2.0
"""Seconds that open pages have to say goodbye."""
PING = 20.0
"""Seconds between two pings on a websocket, and how long the answer may take."""


def application(
    database: Database,
    valkey: Valkey,
    hub: Hub,
    envelope: Envelope,
    clock: Clock,
    entropy: Entropy,
    provider: Provider,
    settings: Settings,
    *,
    heat: Heat | None = None,
) -> ASGIApp:
    """Reservations, without their door."""
    # its own addresses all begin with /reservations: the stylesheet comes from there too
    assets = Assets(DOOR / "static", HERE / "static", base="/reservations/assets")
    pages = PersonPages(Pages(HERE / "templates", DOOR / "templates", assets=assets))
    tokens = FormTokens(envelope, clock)
    stores = postgresql_stores()
    queue, gate, teller = RequestQueue(valkey), Gate(valkey), Teller(valkey, database, stores.happenings)
    own = settings.reservation
    desk = Desk(database, stores, queue, gate, teller, clock, entropy, shards=own.shards)
    batches = Batches(database, stores, clock, entropy, hold_lifetime=own.hold_lifetime, heat=heat or Heat())
    money, origin = postgresql_money_stores(), settings.shop_origin
    paying = PaymentDesk(database, valkey, stores, money, provider, clock, entropy, origin)
    telling = Telling(valkey, stores, teller, gate, Queue(envelope, clock, entropy), origin)
    cancelling = CancellationDesk(database, stores, money, paying, telling, clock, entropy)
    availability = Availability(database, stores, clock)
    choosing = ChoosingPages(database, stores, availability, pages, tokens, clock, entropy)
    cancelling_page = CancellingPage(database, stores, cancelling, pages, tokens)
    routes = [
        # the first is found the soonest: whoever asks for what is sold out asks the most
        *ReservationEndpoints(
            database, stores, desk, batches, paying, cancelling, choosing, pages, tokens, clock
        ).routes(),
        *choosing.routes(),
        *Description(description.ADDRESS, description.described).routes(),
        *Events(database, stores, hub, queue, clock).routes(),
        *OfferEndpoints(database, stores, availability).routes(),
        *AdministrationEndpoints(
            database, stores, Gatekeeper(database, stores, gate), queue, tokens, clock, entropy
        ).routes(),
        *AdministrationPage(database, stores, paying, pages, tokens).routes(),
        *PaymentEndpoints(paying, tokens, clock).routes(),
        *PaymentWindow(paying, pages).routes(),
        *CancellationEndpoints(cancelling, cancelling_page, tokens).routes(),
        *cancelling_page.routes(),
        Mount("/reservations/assets", assets),
    ]
    router = Router(routes, redirect_slashes=False, default=nothing_here)
    return Lane(ProblemPages(ReadOnlyHonoured(router), pages), desk)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve reservations on their socket until `stop` is set; open pages are sent to another process first."""
    clock, entropy, envelope, heat = SystemClock(), SystemEntropy(), Envelope.load(settings), Heat()
    database, valkey, provider = open_database(settings, SERVICE), open_valkey(settings), provider_of(settings)
    try:
        entrance = await Entrance.open(SERVICE, database, SigningKeys(envelope).assertion_keys, clock)
        hub = Hub(valkey)
        app = entrance.around(
            application(database, valkey, hub, envelope, clock, entropy, provider, settings, heat=heat)
        )
        drained = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(entrance.keep_keys_fresh()),
                tasks.create_task(hub.listen()),
            ]
            tasks.create_task(_drain(hub, stop, drained))
            await serve_application(
                app,
                f"unix:{settings.upstream_socket(SERVICE)}",
                ready=ready,
                stop=drained,
                ws_ping_interval=PING,
                ws_ping_timeout=PING,
                ws_max_size=64 * 1024,
                ws_per_message_deflate=False,  # what is told is short; a window to compress with is kept for each page
            )
            for task in beside:
                task.cancel()
    finally:
        await provider.aclose()
        await valkey.aclose()
        await database.dispose()


async def _drain(hub: Hub, stop: asyncio.Event, drained: asyncio.Event) -> None:
    await stop.wait()
    await hub.drain(DRAIN)
    drained.set()
