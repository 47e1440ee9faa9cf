"""What can be reserved: slots, seats, and when resources are taken. Read by many; nothing is promised by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database, reading
from config.problem import Problem
from upstreams.door.answers import NOT_FOUND, NOT_UNDERSTOOD, json_answer
from upstreams.door.person import person_of
from upstreams.reservation.availability import Availability
from upstreams.reservation.offers import Offer
from upstreams.reservation.stores import Stores
from upstreams.trade.allocation import Window

LONGEST = timedelta(days=92)
"""The longest time that is looked over at once."""


class OfferEndpoints:
    """The endpoints of whoever chooses."""

    def __init__(self, database: Database, stores: Stores, availability: Availability) -> None:
        self._database = database
        self._stores = stores
        self._availability = availability

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/reservations/availability", self.availability, methods=["GET"]),
            Route("/reservations/offers", self.offers, methods=["GET"]),
            Route("/reservations/offers/{sku}/seats", self.seats, methods=["GET"]),
            Route("/reservations/offers/{sku}/times", self.times, methods=["GET"]),
        ]

    async def availability(self, request: Request) -> Response:
        """GET /reservations/availability: what can be had, a quarter of a second ago at most."""
        levels = await self._availability.levels()
        return json_answer(request, {"skus": [{"sku": sku, "available": left} for sku, left in levels.items()]})

    async def offers(self, request: Request) -> Response:
        """GET /reservations/offers: what can be reserved, `product`, `from` and `until` narrow it down."""
        person_of(request)
        product = request.query_params.get("product")
        try:
            chosen = UUID(product) if product else None
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, "A product is a UUID.") from error
        async with reading(self._database) as tx:
            found = await self._stores.offers.find(tx, product=chosen, between=_window(request))
        levels = await self._availability.levels()
        return json_answer(request, {"offers": [_document(offer, levels.get(offer.sku)) for offer in found]})

    async def seats(self, request: Request) -> Response:
        """GET /reservations/offers/{sku}/seats: every seat, and whether it is free."""
        person_of(request)
        async with reading(self._database) as tx:
            seats = await self._stores.offers.seats(tx, request.path_params["sku"])
        if not seats:
            raise Problem(NOT_FOUND)
        return json_answer(request, {"seats": [{"seat": seat.label, "free": seat.free} for seat in seats]})

    async def times(self, request: Request) -> Response:
        """GET /reservations/offers/{sku}/times: when a resource is taken, between `from` and `until`."""
        person_of(request)
        window = _window(request)
        if window is None:
            raise Problem(NOT_UNDERSTOOD, "Say from when until when.")
        async with reading(self._database) as tx:
            offer = await self._stores.offers.one(tx, request.path_params["sku"])
            if offer is None or offer.kind != "resource":
                raise Problem(NOT_FOUND)
            taken = await self._stores.offers.taken(tx, offer.sku, window)
        times = [{"starts_at": one.start, "ends_at": one.end} for one in taken]
        return json_answer(request, {"unit_minutes": offer.unit_minutes, "taken": times})


def _document(offer: Offer, available: int | None) -> dict[str, Any]:
    return {
        "sku": offer.sku,
        "product": offer.product,
        "kind": offer.kind,
        "name": offer.name,
        "starts_at": offer.starts_at,
        "ends_at": offer.ends_at,
        "currency": offer.price.currency,
        "price": offer.price.minor,
        "unit_minutes": offer.unit_minutes,
        "limit_per_request": offer.limit_per_request,
        "limit_per_person": offer.limit_per_person,
        "available": available,
    }


def _window(request: Request) -> Window | None:
    sent = request.query_params.get("from"), request.query_params.get("until")
    if sent == (None, None):
        return None
    try:
        start, end = (datetime.fromisoformat(one or "") for one in sent)
    except ValueError as error:
        raise Problem(NOT_UNDERSTOOD, "Times are as in RFC 3339.") from error
    if start.tzinfo is None or end.tzinfo is None or not timedelta(0) < end - start <= LONGEST:
        raise Problem(NOT_UNDERSTOOD, f"Times bear their offset, and are at most {LONGEST.days} days apart.")
    return Window(start, end)
