"""The API of the catalogue described (OpenAPI 3.1): what is asked, what is answered, and what it is refused for."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from config.openapi import Api, Details, Header, Operation, document
from config.problem import ProblemType
from upstreams.commerce.catalogue import categories, editing, options, pictures, types
from upstreams.commerce.endpoints import lives_documents as lives
from upstreams.commerce.endpoints import product_documents
from upstreams.commerce.endpoints import stock_documents as stock
from upstreams.commerce.endpoints import structure_documents as structure
from upstreams.commerce.endpoints.editors import BASE
from upstreams.commerce.endpoints.sale_documents import (
    LeftOfOffers,
    ProductOnSale,
    ProductsOnSale,
    SearchResults,
    Suggestions,
)
from upstreams.commerce.lifecycle import states, teams, versions
from upstreams.commerce.search import asked
from upstreams.commerce.stocking import keeping
from upstreams.door.answers import NOT_FOUND, NOT_UNDERSTOOD
from upstreams.trade.idempotency import HEADER, KEY_MISSING, KEY_REUSED


class Nothing(msgspec.Struct):
    """No body."""


_ONE = BASE + "/products/{code}"
_SHELF = BASE + "/stock/{sku}/{warehouse}"
_PAGE = (("after", "Where the page before ended"), ("limit", "How many, at most 100"))
_SEARCH = (
    ("q", "Words, in Korean or English; first consonants (ㅅㅁ) too"),
    ("category", "A code; may stand several times, as the filters below"),
    ("seller", "A code"),
    ("price", "A price band, 0 to 4"),
    ("available", "`now` or `elsewhere`"),
    ("order", "`best`, `new`, `cheap` or `dear`"),
    *_PAGE,
)
_CREATED, _GONE = HTTPStatus.CREATED, HTTPStatus.NO_CONTENT
OPERATIONS = (
    Operation("GET", "/api/products", "What is on sale", ProductsOnSale, query=_PAGE),
    Operation("GET", "/api/products/{code}", "One that is on sale", ProductOnSale),
    Operation("GET", "/api/availability", "What is left", LeftOfOffers, query=(("offer", "Ids, 1 to 100"),)),
    Operation("GET", "/api/search", "Search", SearchResults, query=_SEARCH),
    Operation("GET", "/api/search/suggestions", "How a text may go on", Suggestions, query=(("q", "The text"),)),
    Operation("GET", "/api/categories", "The tree of categories", structure.CategoryList),
    Operation("GET", "/pictures/{digest}", "A picture", Nothing, media="image/*"),
    Operation(
        "GET", BASE + "/products", "Products looked after", product_documents.ProductPage,
        query=(("state", "A state"), *_PAGE),
    ),
    Operation(
        "POST", BASE + "/products", "Begin a product", product_documents.ProductDocument,
        product_documents.NewProduct, _CREATED,
    ),
    Operation("GET", _ONE, "A product in whatever state", product_documents.ProductDocument),
    Operation("PUT", _ONE, "Change it", product_documents.ProductDocument, product_documents.AskedProduct),
    Operation("GET", _ONE + "/options", "Options and SKUs", product_documents.OptionsDocument),
    Operation(
        "PUT", _ONE + "/options", "Set the options", product_documents.OptionsDocument,
        product_documents.AskedOptions,
    ),
    Operation(
        "POST", _ONE + "/combinations", "An SKU for each combination", product_documents.MadeSkus,
        product_documents.AskedCombinations, _CREATED,
    ),
    Operation(
        "PUT", _ONE + "/skus/{sku}", "Make or change an SKU", product_documents.OptionsDocument,
        product_documents.AskedVariant,
    ),
    Operation("GET", _ONE + "/offers", "Offers of every seller", product_documents.OfferPage),
    Operation(
        "PUT", _ONE + "/offers/{sku}", "Offer an SKU", product_documents.OfferDocument,
        product_documents.AskedOffer,
    ),
    Operation("GET", _ONE + "/pictures", "Pictures", product_documents.PicturePage),
    Operation(
        "POST", _ONE + "/pictures", "Add a picture; the body is a JPEG, PNG or WebP",
        product_documents.PictureDocument, status=_CREATED, query=(("ko", "What it shows"), ("en", "What it shows")),
    ),
    Operation("DELETE", _ONE + "/pictures/{id}", "Remove a picture", Nothing, status=_GONE),
    Operation("GET", _ONE + "/life", "Where it is in its life", lives.LifeDocument),
    Operation("POST", _ONE + "/transitions", "Take it to another state", lives.LifeDocument, lives.AskedTransition),
    Operation("PUT", _ONE + "/launch", "Plan the launch", lives.LifeDocument, lives.AskedPlan),
    Operation("GET", _ONE + "/events", "What happened", lives.EventPage, query=(("after", "A number"),)),
    Operation("POST", _ONE + "/events", "Write something down", Nothing, lives.AskedNote, _GONE),
    Operation("GET", _ONE + "/versions", "Versions", lives.VersionPage),
    Operation("POST", _ONE + "/versions", "Record a version", lives.VersionDocument, lives.AskedVersion, _CREATED),
    Operation("GET", _ONE + "/versions/{before}/changes/{after}", "What changed", lives.Difference),
    Operation("GET", _ONE + "/times", "How long it took", lives.TimesDocument),
    Operation("GET", _ONE + "/team", "Who works on it", lives.TeamDocument),
    Operation("POST", _ONE + "/team", "Put somebody to work", lives.TeamDocument, lives.AskedAssignment, _CREATED),
    Operation("POST", _ONE + "/team/{id}/end", "End an assignment", lives.TeamDocument, lives.AskedEnd),
    Operation(
        "PUT", BASE + "/categories/{code}", "Make or change a category", structure.CategoryDocument,
        structure.AskedShopCategory,
    ),
    Operation("DELETE", BASE + "/categories/{code}", "Remove a category", Nothing, status=_GONE),
    Operation("GET", BASE + "/types", "Types and ways of selling", structure.KindList),
    Operation("PUT", BASE + "/types/{code}", "Make or change a type", structure.KindDocument, structure.AskedKind),
    Operation("GET", BASE + "/states", "States of products", structure.StateList),
    Operation("PUT", BASE + "/states/{code}", "Make or change a state", structure.StateDocument, structure.AskedState),
    Operation("DELETE", BASE + "/states/{code}", "Remove a state", Nothing, status=_GONE),
    Operation("GET", BASE + "/team-members", "Who works on products", structure.MemberList),
    Operation(
        "PUT", BASE + "/team-members/{id}", "Make or change a member", structure.MemberDocument,
        structure.AskedMember,
    ),
    Operation("GET", BASE + "/stock/{sku}", "One thing in every place", stock.ShelfList),
    Operation(
        "GET", BASE + "/stock/{sku}/movements", "How counts came about", stock.MovementPage,
        query=(("before", "A number"),),
    ),
    Operation(
        "POST", BASE + "/stock/{sku}/transfers", "Carry some to another warehouse", stock.ShelfList,
        stock.AskedTransfer, _CREATED,
    ),
    Operation("GET", _SHELF, "One thing in one place", stock.ShelfDocument),
    Operation("PUT", _SHELF, "Set what was counted", stock.ShelfDocument, stock.AskedCount),
    Operation("POST", _SHELF + "/receipts", "Goods arrived", stock.ShelfDocument, stock.AskedReceipt, _CREATED),
    Operation("PUT", BASE + "/stock-rules/{sku}", "When it is low", stock.AskedRule, stock.AskedRule),
    Operation("GET", BASE + "/stock-warnings", "What runs low", stock.LowList),
    Operation("GET", BASE + "/stock-proofs", "What the last proofs found", stock.ProofList),
    Operation("POST", BASE + "/stock-proofs", "Prove the stock now", stock.ProofDocument, status=_CREATED),
)  # fmt: skip
"""Every route of the catalogue's API."""
_API = Api(
    title="Catalogue",
    description="Products, search, the life of a product, and stock. Amounts are in minor units.",
    base="",
)
_KEY = Header(HEADER, "Fresh for each new request; the same one repeats it", required=True, example="2f1c7b9ad0e1")
_MATCH = Header("If-Match", "The ETag that it is a change of", required=True, example='"7"')
_NONE_MATCH = Header("If-None-Match", "The ETag of what is known already")
_TAG = Header("ETag", "The version, to name in If-Match")
_CONDITIONAL = (editing.IF_MATCH_MISSING, editing.CHANGED_MEANWHILE)
_MATCHED = {
    _ONE: (editing.DOES_NOT_FIT,),
    f"{_ONE}/options": (options.OPTION_IN_USE,),
    f"{_ONE}/skus/{{sku}}": (options.NOT_A_COMBINATION, options.COMBINATION_TAKEN),
    f"{_ONE}/launch": (states.NOT_A_DATE,),
    f"{BASE}/categories/{{code}}": (categories.NOT_A_PLACE,),
    _SHELF: (keeping.PROMISED, keeping.NO_SUCH_SHELF),
}
_REFUSED: dict[tuple[str, str], tuple[ProblemType, ...]] = {
    ("GET", "/api/search"): (asked.NOT_A_SEARCH, asked.CURSOR_STALE),
    ("GET", "/api/search/suggestions"): (asked.NOT_A_SEARCH,),
    ("POST", f"{BASE}/products"): (editing.CODE_TAKEN, editing.DOES_NOT_FIT),
    ("POST", f"{_ONE}/combinations"): (options.COMBINATION_TAKEN,),
    ("POST", f"{_ONE}/pictures"): (pictures.NOT_A_PICTURE, pictures.TOO_MANY_PICTURES),
    ("POST", f"{_ONE}/transitions"): (states.NOT_FROM_HERE, states.NO_VERSION, states.NOTHING_TO_SELL),
    ("POST", f"{_ONE}/versions"): (versions.VERSION_TAKEN,),
    ("POST", f"{_ONE}/team"): (teams.ALREADY_ASSIGNED,),
    ("DELETE", f"{BASE}/categories/{{code}}"): (categories.CATEGORY_IN_USE,),
    ("PUT", f"{BASE}/types/{{code}}"): (types.NO_SUCH_STRATEGY, editing.DOES_NOT_FIT),
    ("PUT", f"{BASE}/states/{{code}}"): (states.STATE_IN_USE,),
    ("DELETE", f"{BASE}/states/{{code}}"): (states.STATE_IN_USE,),
    ("POST", f"{BASE}/stock/{{sku}}/transfers"): (keeping.PROMISED, keeping.NO_SUCH_SHELF),
}
_TAGGED = ("/api/products/{code}", "/api/availability", "/pictures/{digest}")


def _details(one: Operation) -> Details:
    problems = _REFUSED.get((one.method, one.path), ())
    if one.method == "POST" and one.path != f"{BASE}/stock-proofs":
        return Details(asks=(_KEY,), problems=(*problems, KEY_MISSING, KEY_REUSED, NOT_UNDERSTOOD, NOT_FOUND))
    if one.method == "PUT" and one.path in _MATCHED:
        return Details(
            asks=(_MATCH,), answers=(_TAG,), problems=(*_MATCHED[one.path], *_CONDITIONAL, NOT_UNDERSTOOD, NOT_FOUND)
        )
    if one.path in _TAGGED:
        needed = frozenset({"offer"}) if one.path == "/api/availability" else frozenset[str]()
        return Details(asks=(_NONE_MATCH,), problems=(editing.NO_SUCH_PRODUCT, *problems), needed=needed)
    return Details(problems=(*problems, NOT_FOUND))


ADDRESS = "/api/catalogue/openapi.json"
"""Where it is shown."""


def described() -> dict[str, Any]:
    """The document."""
    return document(_API, OPERATIONS, _details)
