"""Products, looked after: by administrators all of them, by a vendor its own."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Transaction
from config.problem import Problem
from upstreams.commerce.catalogue import options as options_
from upstreams.commerce.catalogue.editing import CODE_TAKEN, DOES_NOT_FIT, NO_SUCH_PRODUCT, EditedProduct, Editor
from upstreams.commerce.catalogue.options import Variant
from upstreams.commerce.catalogue.types import Strategies
from upstreams.commerce.endpoints import product_documents as documents
from upstreams.commerce.endpoints.editors import BASE, Desk, read_asked
from upstreams.commerce.lifecycle.states import FIRST
from upstreams.door.answers import NOT_FOUND, NOT_UNDERSTOOD, json_answer

AT_ONCE = 50
"""Products on one page, where nothing else is said."""


class ProductAdministration:
    """The endpoints of products as those who look after them see them."""

    def __init__(self, desk: Desk, strategies: Strategies) -> None:
        self._desk = desk
        self._stores = desk.stores
        self._strategies = strategies

    def routes(self) -> list[BaseRoute]:
        one = f"{BASE}/products/{{code}}"
        return [
            Route(f"{BASE}/products", self.listing, methods=["GET"]),
            Route(f"{BASE}/products", self.create, methods=["POST"]),
            Route(one, self.show, methods=["GET"]),
            Route(one, self.change, methods=["PUT"]),
            Route(f"{one}/options", self.options, methods=["GET"]),
            Route(f"{one}/options", self.put_options, methods=["PUT"]),
            Route(f"{one}/combinations", self.combine, methods=["POST"]),
            Route(f"{one}/skus/{{sku}}", self.put_sku, methods=["PUT"]),
            Route(f"{one}/offers", self.offers, methods=["GET"]),
            Route(f"{one}/offers/{{sku}}", self.put_offer, methods=["PUT"]),
        ]

    async def listing(self, request: Request) -> Response:
        """GET …/products: in the order of their codes, `after` one; a vendor sees its own."""
        after, state = request.query_params.get("after", ""), request.query_params.get("state")
        sent = request.query_params.get("limit", str(AT_ONCE))
        if not (sent.isascii() and sent.isdigit() and 1 <= int(sent) <= 200) or "\0" in f"{after}{state}":
            raise Problem(NOT_UNDERSTOOD, "A page has 1 to 200 products.")
        async with self._desk.database.connect() as tx:
            editor = await self._desk.editor(request, tx)
            found = await self._stores.products.list(
                tx, seller=editor.seller, state=state, after=after, limit=int(sent) + 1
            )
        page = found[: int(sent)]
        rest = page[-1].code if len(found) > len(page) else None
        return json_answer(request, documents.ProductPage([documents.product_document(one) for one in page], rest))

    async def create(self, request: Request) -> Response:
        """POST …/products: a product whose life begins with planning."""
        asked = await read_asked(request, documents.NewProduct)
        async with self._desk.database.begin() as tx:
            editor = await self._desk.editor(request, tx)

            async def make() -> UUID:
                ident = self._desk.entropy.uuid()
                values = await self._checked(tx, editor, asked)
                product = EditedProduct(
                    id=ident,
                    code=asked.code,
                    type=asked.type,
                    state=FIRST,
                    currency=asked.currency,
                    version=1,
                    created_at=self._desk.clock.now(),
                    **values,
                )
                if not await self._stores.products.create(tx, product, editor.person, asked.notes):
                    raise Problem(CODE_TAKEN)
                return ident

            await self._desk.once(request, tx, msgspec.to_builtins(asked), make)
            made = await self._stores.products.find(tx, asked.code)
            assert made is not None
        return json_answer(
            request,
            documents.product_document(made),
            status=HTTPStatus.CREATED,
            headers={"Location": f"{BASE}/products/{asked.code}", "ETag": made.tag()},
        )

    async def show(self, request: Request) -> Response:
        """GET …/products/{code}."""
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
        return _product(request, product)

    async def change(self, request: Request) -> Response:
        """PUT …/products/{code}: what it is and costs; its type and currency stay."""
        asked = await read_asked(request, documents.AskedProduct)
        async with self._desk.database.begin() as tx:
            editor, product = await self._desk.product(request, tx, matched=True)
            if (asked.type, asked.currency) != (product.type, product.currency):
                raise Problem(NOT_UNDERSTOOD, "Its type and its currency stay.")
            changed = replace(product, **await self._checked(tx, editor, asked))
            changed = replace(changed, version=await self._stores.products.save(tx, changed))
        return _product(request, changed)

    async def _checked(self, tx: Transaction, editor: Editor, asked: documents.AskedProduct) -> dict[str, Any]:
        kinds = {kind.code: kind for kind in await self._stores.kinds.all(tx)}
        if asked.type not in kinds:
            raise Problem(NOT_UNDERSTOOD, f"There is no type {asked.type}.")
        if wrong := self._strategies.wrong(kinds[asked.type], asked.attributes):
            raise Problem(DOES_NOT_FIT, "; ".join(wrong))
        if asked.category is not None and asked.category not in {
            one.code for one in await self._stores.categories.all(tx)
        }:
            raise Problem(NOT_UNDERSTOOD, f"There is no category {asked.category}.")
        seller = editor.seller
        if editor.administrator and asked.seller is not None:
            seller = await self._stores.products.seller(tx, asked.seller)
            if seller is None:
                raise Problem(NOT_UNDERSTOOD, f"There is no seller {asked.seller}.")
        return {
            "name": msgspec.to_builtins(asked.name),
            "description": msgspec.to_builtins(asked.description),
            "base_price": asked.base_price,
            "picture": asked.picture,
            "category": asked.category,
            "attributes": asked.attributes,
            "seller": seller,
        }

    async def options(self, request: Request) -> Response:
        """GET …/products/{code}/options: what can be chosen, and the SKUs with what each costs."""
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
            return await self._options(request, tx, product)

    async def put_options(self, request: Request) -> Response:
        """PUT …/products/{code}/options: all that can be chosen, at once."""
        categories = (await read_asked(request, documents.AskedOptions)).read()
        try:
            options_.check(categories)
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, str(error)) from error
        async with self._desk.database.begin() as tx:
            _, product = await self._desk.product(request, tx, matched=True)
            if lost := options_.lost(categories, await self._stores.options.variants(tx, product.id)):
                raise Problem(options_.OPTION_IN_USE, f"On sale: {', '.join(lost)}.")
            await self._stores.options.put(tx, product.id, categories)
            product = replace(product, version=await self._stores.products.touch(tx, product.id))
            return await self._options(request, tx, product)

    async def combine(self, request: Request) -> Response:
        """POST …/products/{code}/combinations: an SKU for each combination that has none."""
        asked = await read_asked(request, documents.AskedCombinations)
        async with self._desk.database.begin() as tx:
            _, product = await self._desk.product(request, tx, lock=True)
            made: list[str] = []

            async def make() -> UUID:
                categories = await self._stores.options.categories(tx, product.id)
                have = {one.option_key for one in await self._stores.options.variants(tx, product.id)}
                for chosen in options_.combinations(categories):
                    key = options_.key_of(chosen)
                    code = "-".join([asked.prefix, *(value.upper() for value in chosen.values())])
                    if key in have:
                        continue
                    if len(code) > 40 or not await self._stores.options.put_variant(
                        tx, product.id, Variant(code, key, None)
                    ):
                        raise Problem(options_.COMBINATION_TAKEN, code)
                    made.append(code)
                await self._stores.products.touch(tx, product.id)
                return product.id

            await self._desk.once(request, tx, msgspec.to_builtins(asked), make)
        return json_answer(request, documents.MadeSkus(made), status=HTTPStatus.CREATED)

    async def put_sku(self, request: Request) -> Response:
        """PUT …/products/{code}/skus/{sku}: a combination, its own price, and whether it is sold."""
        asked = await read_asked(request, documents.AskedVariant)
        code = _sku(request)
        async with self._desk.database.begin() as tx:
            _, product = await self._desk.product(request, tx, matched=True)
            categories = await self._stores.options.categories(tx, product.id)
            if not options_.is_combination(categories, asked.options):
                raise Problem(options_.NOT_A_COMBINATION)
            variant = Variant(code, options_.key_of(asked.options), asked.price, asked.active)
            if not await self._stores.options.put_variant(tx, product.id, variant):
                raise Problem(options_.COMBINATION_TAKEN)
            product = replace(product, version=await self._stores.products.touch(tx, product.id))
            return await self._options(request, tx, product)

    async def _options(self, request: Request, tx: Transaction, product: EditedProduct) -> Response:
        categories = list(await self._stores.options.categories(tx, product.id))
        variants = list(await self._stores.options.variants(tx, product.id))
        shown = documents.options_document(product, categories, variants)
        return json_answer(request, shown, headers={"ETag": product.tag()})

    async def offers(self, request: Request) -> Response:
        """GET …/products/{code}/offers: of every seller, for whoever looks after the product."""
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
            offers = await self._stores.products.offers(tx, product.id)
        return json_answer(request, documents.OfferPage([documents.offer_document(one) for one in offers]))

    async def put_offer(self, request: Request) -> Response:
        """PUT …/products/{code}/offers/{sku}: a seller's offer; a vendor may offer what others look after too."""
        asked = await read_asked(request, documents.AskedOffer)
        sku = _sku(request)
        async with self._desk.database.begin() as tx:
            editor = await self._desk.editor(request, tx)
            product = await self._stores.products.find(tx, request.path_params["code"])
            if product is None:
                raise Problem(NO_SUCH_PRODUCT)
            if sku not in {one.sku for one in await self._stores.options.variants(tx, product.id)}:
                raise Problem(NOT_FOUND)
            seller = editor.seller
            if editor.administrator:
                products = self._stores.products
                seller = await (products.seller(tx, asked.seller) if asked.seller else products.house(tx))
            if seller is None:
                raise Problem(NOT_UNDERSTOOD, f"There is no seller {asked.seller}.")
            offer = await self._stores.products.put_offer(
                tx, self._desk.entropy.uuid(), seller, sku, asked.price, asked.active
            )
        return json_answer(request, documents.offer_document(offer), headers={"ETag": f'"{offer.version}"'})


def _product(request: Request, product: EditedProduct) -> Response:
    return json_answer(request, documents.product_document(product), headers={"ETag": product.tag()})


def _sku(request: Request) -> str:
    try:
        return msgspec.convert(request.path_params["sku"], documents.SkuCode)
    except msgspec.ValidationError as error:
        raise Problem(NOT_UNDERSTOOD, str(error)) from error
