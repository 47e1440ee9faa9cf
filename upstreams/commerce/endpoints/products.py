"""The catalogue for programs: what is on sale, how many are left, and what is found."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.clock import Clock
from config.connections import Database, reading
from config.entity_tags import unchanged
from config.problem import Problem
from upstreams.commerce.catalogue import Product
from upstreams.commerce.catalogue.editing import NO_SUCH_PRODUCT
from upstreams.commerce.catalogue.options import chosen_in
from upstreams.commerce.metrics import SEARCH
from upstreams.commerce.search.asked import NOT_A_SEARCH, read
from upstreams.commerce.search.searching import Results, Searching
from upstreams.commerce.stores import CatalogueStores
from upstreams.door.answers import NOT_UNDERSTOOD, json_answer

AT_ONCE = 100
"""Products of one page, and offers that are asked for together."""
FRESH = 0.25
"""Seconds for which what is left of an offer is not asked again: as long as a person needs to see it."""
_KNOWN = 20_000


class Products:
    """The endpoints of the catalogue."""

    def __init__(self, database: Database, stores: CatalogueStores, clock: Clock) -> None:
        self._database = database
        self._stores = stores
        self._searching = Searching(stores.words, stores.documents)
        self._clock = clock
        self._left: dict[UUID, tuple[float, int | None]] = {}

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/products", self.listing, methods=["GET"]),
            Route("/api/products/{code}", self.one, methods=["GET"]),
            Route("/api/availability", self.availability, methods=["GET"]),
            Route("/api/search", self.search, methods=["GET"]),
            Route("/api/search/suggestions", self.suggest, methods=["GET"]),
        ]

    async def listing(self, request: Request) -> Response:
        """GET /api/products: what is on sale, by code, `after` one; `available` is read at this moment."""
        after, sent = request.query_params.get("after", ""), request.query_params.get("limit", str(AT_ONCE))
        if not (sent.isascii() and sent.isdigit() and 1 <= int(sent) <= AT_ONCE) or "\0" in after:
            raise Problem(NOT_UNDERSTOOD, f"A page has 1 to {AT_ONCE} products.")
        async with reading(self._database) as tx:
            products = await self._stores.catalogue.products(tx, limit=int(sent) + 1, after=after)
        page = products[: int(sent)]
        rest = page[-1].code if len(products) > len(page) else None
        return json_answer(request, {"products": [document(product) for product in page], "next": rest})

    async def one(self, request: Request) -> Response:
        """GET /api/products/{code}: one that is on sale. The ETag says whether anything of it changed."""
        code = request.path_params["code"]
        async with reading(self._database) as tx:
            product = await self._stores.catalogue.product(tx, code) if "\0" not in code else None
        if product is None:
            raise Problem(NO_SUCH_PRODUCT)
        return tagged(request, document(product))

    async def availability(self, request: Request) -> Response:
        """GET /api/availability?offer=…: what is left of offers, a quarter of a second old at most. Whoever sends the
        ETag back hears 304 as long as nothing changed."""
        try:
            idents = sorted({UUID(sent) for sent in request.query_params.getlist("offer")})
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, "An offer has an id.") from error
        if not 1 <= len(idents) <= AT_ONCE:
            raise Problem(NOT_UNDERSTOOD, f"Name 1 to {AT_ONCE} offers.")
        now = self._clock.monotonic()
        stale = [one for one in idents if now - self._left.get(one, (float("-inf"), None))[0] >= FRESH]
        if stale:
            if len(self._left) > _KNOWN:
                self._left.clear()
            async with reading(self._database) as tx:
                found = {offer.id: offer.available for offer in await self._stores.catalogue.offers(tx, stale)}
            # one that stands no more has nothing left
            self._left.update({ident: (now, found.get(ident, 0)) for ident in stale})
        offers = [{"id": ident, "available": self._left[ident][1]} for ident in idents]
        return tagged(request, {"offers": offers})

    async def search(self, request: Request) -> Response:
        """GET /api/search: products by words and filters, with facets; `after` is the `next` of the page before."""
        asked = read(request.query_params.multi_items())
        products, results = await found(self._database, self._stores, self._searching, asked)
        return json_answer(request, {"products": [document(one) for one in products], **results_document(results)})

    async def suggest(self, request: Request) -> Response:
        """GET /api/search/suggestions?q=…: how the text may go on."""
        typed = request.query_params.get("q", "")
        if len(typed) > 100 or "\0" in typed:
            raise Problem(NOT_A_SEARCH)
        async with reading(self._database) as tx:
            suggestions = await self._searching.suggest(tx, typed)
        return json_answer(request, {"suggestions": suggestions}, headers={"Cache-Control": "private, max-age=60"})


async def found(
    database: Database, stores: CatalogueStores, searching: Searching, asked: Any
) -> tuple[Sequence[Product], Results]:
    """The products that a search finds, in the order of the results, with what is left of each now."""
    with SEARCH.time():
        async with database.connect() as tx:
            results = await searching.search(tx, asked)
            products = {one.id: one for one in await stores.catalogue.products(tx, results.products)}
    return [products[ident] for ident in results.products if ident in products], results


def tagged(request: Request, content: Any) -> Response:
    """JSON with an ETag of what it says; 304 to whoever has it already (RFC 9110, section 13.1.2)."""
    tag = f'"{hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if unchanged(request, tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return json_answer(request, content, headers=headers)


def document(product: Product) -> dict[str, Any]:
    """A product on sale as programs read it; amounts are minor units."""
    return {
        "id": product.id,
        "code": product.code,
        "type": product.type,
        "name": product.name,
        "description": product.description,
        "category": product.category,
        "attributes": product.attributes,
        "pictures": [
            {"address": f"/pictures/{one.digest}", "width": one.width, "height": one.height, "alt": one.alt}
            for one in product.pictures
        ],
        "offers": [
            {
                "id": offer.id,
                "sku": offer.sku,
                "options": chosen_in(offer.option_key),
                "seller": {"id": offer.seller, "name": offer.seller_name},
                "currency": offer.price.currency,
                "price": offer.price.minor,
                "available": offer.available,
            }
            for offer in product.offers
        ],
    }


def results_document(results: Results) -> dict[str, Any]:
    """What is said of results besides the products."""
    return {
        "total": results.total,
        "more": results.more,
        "corrected": results.corrected,
        "facets": [
            {
                "group": facet.group,
                "label": facet.label,
                "values": [
                    {"value": one.value, "label": one.label, "count": one.count, "taken": one.taken}
                    for one in facet.counts
                ],
            }
            for facet in results.facets
        ],
        "next": results.next,
    }
