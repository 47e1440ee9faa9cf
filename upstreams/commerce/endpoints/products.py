"""The shop's front: what there is, with live stock."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database
from config.entropy import Entropy
from upstreams.commerce.catalogue import Catalogue, Product
from upstreams.door.answers import json_answer
from upstreams.door.forms import FormTokens
from upstreams.door.person import person_of
from upstreams.door.words import PersonPages


class Products:
    """The endpoints of products."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        entropy: Entropy,
        pages: PersonPages,
        tokens: FormTokens,
    ) -> None:
        self._database = database
        self._entropy = entropy
        self._pages = pages
        self._tokens = tokens
        self._catalogue = catalogue

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.shop, methods=["GET"]),
            Route("/api/products", self.listing, methods=["GET"]),
        ]

    async def shop(self, request: Request) -> Response:
        """GET /: the shop page."""
        person = person_of(request)
        async with self._database.connect() as tx:
            products = await self._catalogue.products(tx)
        return self._pages.respond(
            request,
            "shop.html",
            products=products,
            form_token=self._tokens.issue(person.session),
            new_key=lambda: self._entropy.token(16),
        )

    async def listing(self, request: Request) -> Response:
        """GET /api/products: what is on sale; `available` is read from PostgreSQL at this moment."""
        async with self._database.connect() as tx:
            products = await self._catalogue.products(tx)
        return json_answer(request, {"products": [_document(product) for product in products]})


def _document(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "code": product.code,
        "type": product.type,
        "name": product.name,
        "description": product.description,
        "offers": [
            {
                "id": offer.id,
                "sku": offer.sku,
                "seller": {"id": offer.seller, "name": offer.seller_name},
                "currency": offer.price.currency,
                "price": offer.price.minor,
                "available": offer.available,
            }
            for offer in product.offers
        ],
    }
