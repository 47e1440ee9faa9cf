"""The pages of looking around: what there is, what a search finds, one product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database, reading
from config.entropy import Entropy
from config.problem import Problem
from upstreams.commerce.catalogue import Offer, Product, Texts
from upstreams.commerce.catalogue.categories import path_of
from upstreams.commerce.catalogue.editing import NO_SUCH_PRODUCT
from upstreams.commerce.catalogue.options import Category, chosen_in
from upstreams.commerce.catalogue.types import Strategies
from upstreams.commerce.endpoints.products import found
from upstreams.commerce.search.asked import Facet, Order, bounds_of, read
from upstreams.commerce.search.searching import Searching
from upstreams.commerce.stores import CatalogueStores
from upstreams.door.forms import FormTokens
from upstreams.door.person import person_of
from upstreams.door.words import PersonPages
from upstreams.trade.money import Money

VALUES = 12
"""Of a facet that are shown, besides those that are taken."""


class Browsing:
    """The pages."""

    def __init__(
        self,
        database: Database,
        stores: CatalogueStores,
        strategies: Strategies,
        entropy: Entropy,
        pages: PersonPages,
        tokens: FormTokens,
    ) -> None:
        self._database = database
        self._stores = stores
        self._searching = Searching(stores.words, stores.documents)
        self._strategies = strategies
        self._entropy = entropy
        self._pages = pages
        self._tokens = tokens

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.shop, methods=["GET"]),
            Route("/products/{code}", self.product, methods=["GET"]),
        ]

    async def shop(self, request: Request) -> Response:
        """GET /: what there is, or what is found; every filter is a field of one form, so it works without a script."""
        person = person_of(request)
        sent = [one for one in request.query_params.multi_items() if one[0] != "locale"]
        asked = read(sent)
        products, results = await found(self._database, self._stores, self._searching, asked)
        return self._pages.respond(
            request,
            "shop.html",
            products=products,
            results=results,
            facets=[_shown(facet) for facet in results.facets],
            typed=request.query_params.get("q", ""),
            order=asked.order,
            orders=list(Order),
            filtered=bool(asked.filters),
            searched=bool(asked.words),
            next_page=f"/?{urlencode([*_without(sent, 'after'), ('after', results.next)])}" if results.next else None,
            again=f"/?{urlencode([('q', results.corrected)])}" if results.corrected else None,
            band=_band,
            act=self._act,
            form_token=self._tokens.issue(person.session),
            new_key=lambda: self._entropy.token(16),
        )

    async def product(self, request: Request) -> Response:
        """GET /products/{code}: one product, what it can be chosen by, and who sells it."""
        person, code = person_of(request), request.path_params["code"]
        async with reading(self._database) as tx:
            product = await self._stores.catalogue.product(tx, code) if "\0" not in code else None
            if product is None:
                raise Problem(NO_SUCH_PRODUCT)
            with_options = any(offer.option_key for offer in product.offers)
            options = await self._stores.options.categories(tx, product.id) if with_options else []
            tree = {one.code: one for one in await self._stores.categories.all(tx)}
            kind = next(one for one in await self._stores.kinds.all(tx) if one.code == product.type)
        path = path_of(product.category, {code: one.parent for code, one in tree.items()})
        sellers = {offer.seller for offer in product.offers}
        return self._pages.respond(
            request,
            "product.html",
            product=product,
            best=product.best,
            offers=sorted(product.offers, key=lambda one: (_place(one, options), one.price.minor, str(one.id))),
            several_sellers=len(sellers) > 1,
            called=lambda offer: _called(offer, options),
            path=[tree[one] for one in path],
            facts=_facts(product, kind.attributes),
            act=self._act,
            form_token=self._tokens.issue(person.session),
            new_key=lambda: self._entropy.token(16),
        )

    def _act(self, offer: Offer) -> str:
        return self._strategies.of(offer.strategy).act


def _without(sent: Sequence[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    return [one for one in sent if one[0] != name]


def _shown(facet: Facet) -> Facet:
    kept = [one for place, one in enumerate(facet.counts) if place < VALUES or one.taken]
    if facet.group == "price":
        kept.sort(key=lambda one: one.value)
    return Facet(facet.group, facet.label, kept)


def _band(value: str) -> tuple[Money | None, Money | None]:
    """From and until of a price band that the address names."""
    low, high = bounds_of(int(value)) if value in ("0", "1", "2", "3", "4") else (None, None)
    return (Money(low, "KRW") if low is not None else None), (Money(high, "KRW") if high is not None else None)


def _called(offer: Offer, options: Sequence[Category]) -> list[Texts]:
    """The values of an offer's combination, in the order of the options."""
    chosen = chosen_in(offer.option_key)
    return [value.name for one in options for value in one.values if chosen.get(one.code) == value.code]


def _place(offer: Offer, options: Sequence[Category]) -> list[int]:
    chosen = chosen_in(offer.option_key)
    return [
        next((at for at, value in enumerate(one.values) if value.code == chosen.get(one.code)), -1) for one in options
    ]


def _facts(product: Product, schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The attributes, called as the schema of the type calls them."""
    properties = schema.get("properties", {})
    return [
        (
            str(properties.get(name, {}).get("title", name)),
            ", ".join(map(str, value)) if isinstance(value, list) else str(value),
        )
        for name, value in product.attributes.items()
        if not isinstance(value, bool)
    ]
