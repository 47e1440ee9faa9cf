"""Who may change products, and what every change has in common: where it comes from, what it is of, that it is once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec
from starlette.requests import Request

from config.clock import Clock
from config.connections import Database, Transaction
from config.entity_tags import match
from config.entropy import Entropy
from config.problem import Problem
from jose.assertion_middleware import assertion_of
from upstreams.commerce.catalogue.editing import (
    CHANGED_MEANWHILE,
    IF_MATCH_MISSING,
    NO_SUCH_PRODUCT,
    EditedProduct,
    Editor,
)
from upstreams.commerce.lifecycle.keeping import Lifecycle
from upstreams.commerce.stocking.keeping import Warehousing
from upstreams.commerce.stores import CatalogueStores
from upstreams.door.administrators import administers
from upstreams.door.answers import NOT_FOUND, NOT_UNDERSTOOD, Body, read_json
from upstreams.door.forms import require_same_origin
from upstreams.door.person import person_of
from upstreams.trade.idempotency import HEADER, digest_of, read_key

BASE = "/api/administration"
VENDOR = "vendor"
"""The role of those who act for the seller that their organisation is."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the endpoints of administration stand on."""

    database: Database
    stores: CatalogueStores
    lifecycle: Lifecycle
    warehousing: Warehousing
    clock: Clock
    entropy: Entropy

    async def editor(self, request: Request, tx: Transaction) -> Editor:
        """Who asks; for everybody else there is nothing here. Raises `NOBODY` and `NOT_FOUND`."""
        person = person_of(request)
        if any("\0" in str(sent) for sent in (*request.path_params.values(), *request.query_params.values())):
            raise Problem(NOT_UNDERSTOOD, "No text has the character NUL.")
        if request.method not in ("GET", "HEAD"):
            require_same_origin(request)
        roles = assertion_of(request).subject.roles
        if administers(request):
            return Editor(person.id, administrator=True, seller=None)
        seller = None
        if VENDOR in roles and person.organisation is not None:
            seller = await self.stores.products.seller_of(tx, person.organisation)
        if seller is None:
            raise Problem(NOT_FOUND, private="neither an administrator nor a vendor")
        return Editor(person.id, administrator=False, seller=seller)

    async def administrator(self, request: Request, tx: Transaction) -> Editor:
        """Who administers; for everybody else there is nothing here. Raises `NOBODY` and `NOT_FOUND`."""
        editor = await self.editor(request, tx)
        if not editor.administrator:
            raise Problem(NOT_FOUND, private="not an administrator")
        return editor

    async def product(
        self, request: Request, tx: Transaction, *, matched: bool = False, lock: bool = False
    ) -> tuple[Editor, EditedProduct]:
        """The product that the path names, for who may change it. `matched`: the request says what it is a change of.

        Raises `NO_SUCH_PRODUCT`, `IF_MATCH_MISSING` and `CHANGED_MEANWHILE`.
        """
        editor = await self.editor(request, tx)
        product = await self.stores.products.find(tx, request.path_params["code"], lock=matched or lock)
        if product is None or not editor.may_edit(product):
            raise Problem(NO_SUCH_PRODUCT)
        if matched:
            must_match(request, product.tag())
        return editor, product

    async def once(self, request: Request, tx: Transaction, asked: object, make: Callable[[], Awaitable[UUID]]) -> UUID:
        """Do what a POST asks for once for each idempotency key. Answers what it made, now or before.

        Raises `KEY_MISSING` and `KEY_REUSED`. What is refused leaves the key unused.
        """
        person, key = person_of(request).id, read_key(request.headers.get(HEADER))
        digest = digest_of(f"{request.method} {request.url.path}", asked)
        earlier = await self.stores.keys.claim(tx, person, key, digest, self.clock.now())
        if earlier is not None:
            assert earlier.result is not None
            return earlier.result
        made = await make()
        await self.stores.keys.settle(tx, person, key, result=made)
        return made


def must_match(request: Request, tag: str) -> None:
    """Hold what a change was made of against what there is. Raises `IF_MATCH_MISSING` and `CHANGED_MEANWHILE`."""
    matched = match(request, tag)
    if matched != "same":
        raise Problem(IF_MATCH_MISSING if matched == "unsaid" else CHANGED_MEANWHILE, headers={"ETag": tag})


async def read_asked(request: Request, kind: type[Body]) -> Body:
    """The body as one type; PostgreSQL keeps every character in it but NUL. Raises `NOT_UNDERSTOOD`, `TOO_LARGE`."""
    asked = await read_json(request, kind)
    if b"\\u0000" in msgspec.json.encode(asked):
        raise Problem(NOT_UNDERSTOOD, "No text has the character NUL.")
    return asked
