"""Stock, kept: by administrators everywhere, by a vendor in its own warehouses."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Transaction
from config.problem import Problem
from upstreams.commerce.catalogue.editing import Editor
from upstreams.commerce.endpoints.editors import BASE, Desk, must_match, read_asked
from upstreams.commerce.endpoints.stock_documents import (
    AskedCount,
    AskedReceipt,
    AskedRule,
    AskedTransfer,
    LowDocument,
    LowList,
    MovementDocument,
    MovementPage,
    ProofDocument,
    ProofList,
    ShelfDocument,
    ShelfList,
)
from upstreams.commerce.stocking.forecast import Rule
from upstreams.commerce.stocking.keeping import NO_SUCH_SHELF
from upstreams.door.answers import NOT_UNDERSTOOD, json_answer
from upstreams.trade.stock import Row

MOVEMENTS = 100
"""On one page."""


class StockEndpoints:
    """The endpoints of the keeping of stock."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._keeping = desk.stores.keeping
        self._warehousing = desk.warehousing

    def routes(self) -> list[BaseRoute]:
        shelf = f"{BASE}/stock/{{sku}}/{{warehouse}}"
        return [
            Route(f"{BASE}/stock/{{sku}}", self.shelves, methods=["GET"]),
            Route(f"{BASE}/stock/{{sku}}/movements", self.movements, methods=["GET"]),
            Route(f"{BASE}/stock/{{sku}}/transfers", self.transfer, methods=["POST"]),
            Route(shelf, self.shelf, methods=["GET"]),
            Route(shelf, self.correct, methods=["PUT"]),
            Route(f"{shelf}/receipts", self.receive, methods=["POST"]),
            Route(f"{BASE}/stock-rules/{{sku}}", self.put_rule, methods=["PUT"]),
            Route(f"{BASE}/stock-warnings", self.warnings, methods=["GET"]),
            Route(f"{BASE}/stock-proofs", self.proofs, methods=["GET"]),
            Route(f"{BASE}/stock-proofs", self.prove, methods=["POST"]),
        ]

    async def shelves(self, request: Request) -> Response:
        """GET …/stock/{sku}: one thing in every place, with its forecast."""
        sku = request.path_params["sku"]
        async with self._desk.database.connect() as tx:
            _, mine = await self._warehouses(request, tx)
            rows = [row for row in await self._desk.stores.stock.rows(tx, sku) if row.warehouse in mine]
            known = {
                warehouse: one
                for _, warehouse, one in await self._warehousing.forecasts(tx, sku=sku, warehouses=sorted(mine))
            }
            rule = (await self._keeping.rules(tx)).get(sku, Rule())
        if not rows:
            raise Problem(NO_SUCH_SHELF)
        shown = []
        for row in rows:
            document = _shelf(row)
            if found := known.get(row.warehouse):
                document.per_day, document.days_left, document.low = (
                    round(found.per_day, 3),
                    None if found.days_left is None else round(found.days_left, 1),
                    found.low(rule),
                )
            shown.append(document)
        return json_answer(request, ShelfList(shown))

    async def shelf(self, request: Request) -> Response:
        """GET …/stock/{sku}/{warehouse}: the counts of one row; the ETag is its version."""
        async with self._desk.database.connect() as tx:
            sku, warehouse = await self._place(request, tx)
            return _answer(request, await self._warehousing.row(tx, sku, warehouse))

    async def correct(self, request: Request) -> Response:
        """PUT …/stock/{sku}/{warehouse}: how many there are, where nobody changed the row since it was read."""
        asked = await read_asked(request, AskedCount)
        async with self._desk.database.begin() as tx:
            editor = await self._desk.editor(request, tx)
            sku, warehouse = await self._place(request, tx)
            row = await self._warehousing.row(tx, sku, warehouse)
            must_match(request, f'"{row.version}"')
            cause = f"count:{self._desk.entropy.uuid()}:{editor.person}:{asked.reason}"
            return _answer(request, await self._warehousing.correct(tx, cause, row, asked.on_hand))

    async def receive(self, request: Request) -> Response:
        """POST …/stock/{sku}/{warehouse}/receipts: goods arrived; the key brings them once."""
        asked = await read_asked(request, AskedReceipt)
        async with self._desk.database.begin() as tx:
            editor = await self._desk.editor(request, tx)
            sku, warehouse = await self._place(request, tx)

            async def make() -> UUID:
                ident = self._desk.entropy.uuid()
                cause = f"receipt:{ident}:{editor.person}:{asked.reason}"
                await self._warehousing.receive(tx, cause, sku, warehouse, asked.quantity)
                return ident

            await self._desk.once(request, tx, msgspec.to_builtins(asked), make)
            return _answer(request, await self._warehousing.row(tx, sku, warehouse), status=HTTPStatus.CREATED)

    async def transfer(self, request: Request) -> Response:
        """POST …/stock/{sku}/transfers: out of one warehouse and into another, in one step."""
        asked = await read_asked(request, AskedTransfer)
        if asked.source == asked.to:
            raise Problem(NOT_UNDERSTOOD, "A transfer leads to another warehouse.")
        async with self._desk.database.begin() as tx:
            editor, mine = await self._warehouses(request, tx)
            sku = request.path_params["sku"]
            # what is carried stays its owner's
            if mine.get(asked.source) is None or mine.get(asked.source) != mine.get(asked.to):
                raise Problem(NO_SUCH_SHELF)

            async def make() -> UUID:
                ident = self._desk.entropy.uuid()
                cause = f"transfer:{ident}:{editor.person}:{asked.reason}"
                await self._warehousing.transfer(tx, cause, sku, asked.source, asked.to, asked.quantity)
                return ident

            await self._desk.once(request, tx, msgspec.to_builtins(asked), make)
            rows = [await self._warehousing.row(tx, sku, place) for place in (asked.source, asked.to)]
        return json_answer(request, ShelfList([_shelf(row) for row in rows]), status=HTTPStatus.CREATED)

    async def movements(self, request: Request) -> Response:
        """GET …/stock/{sku}/movements: how its counts came about, the newest first; `before` leads on."""
        sent = request.query_params.get("before", "")
        if sent and not (sent.isascii() and sent.isdigit() and len(sent) <= 18):
            raise Problem(NOT_UNDERSTOOD, "A movement has a number.")
        async with self._desk.database.connect() as tx:
            _, mine = await self._warehouses(request, tx)
            before = int(sent) if sent else None
            found = await self._keeping.movements(
                tx, request.path_params["sku"], sorted(mine), before=before, limit=MOVEMENTS + 1
            )
        page = msgspec.convert(found[:MOVEMENTS], list[MovementDocument], from_attributes=True)
        return json_answer(request, MovementPage(page, page[-1].id if len(found) > MOVEMENTS else None))

    async def put_rule(self, request: Request) -> Response:
        """PUT …/stock-rules/{sku}: when it is low."""
        asked = await read_asked(request, AskedRule)
        async with self._desk.database.begin() as tx:
            await self._desk.administrator(request, tx)
            rule = Rule(asked.threshold, asked.lead_days)
            if not await self._keeping.put_rule(tx, request.path_params["sku"], rule):
                raise Problem(NO_SUCH_SHELF)
        return json_answer(request, asked)

    async def warnings(self, request: Request) -> Response:
        """GET …/stock-warnings: what runs low, as a worker saw it last."""
        async with self._desk.database.connect() as tx:
            editor, mine = await self._warehouses(request, tx)
            found = await self._keeping.warnings(tx, None if editor.administrator else sorted(mine))
        return json_answer(request, LowList(msgspec.convert(found, list[LowDocument], from_attributes=True)))

    async def proofs(self, request: Request) -> Response:
        """GET …/stock-proofs: what the last proofs found."""
        async with self._desk.database.connect() as tx:
            await self._desk.administrator(request, tx)
            found = await self._keeping.proofs(tx, limit=30)
        return json_answer(request, ProofList(msgspec.convert(found, list[ProofDocument])))

    async def prove(self, request: Request) -> Response:
        """POST …/stock-proofs: hold every count against its movements now."""
        async with self._desk.database.connect() as tx:
            await self._desk.administrator(request, tx)
        await self._warehousing.prove(self._desk.database)
        async with self._desk.database.connect() as tx:
            found = await self._keeping.proofs(tx, limit=1)
        document = msgspec.convert(found[0], ProofDocument)
        return json_answer(request, document, status=HTTPStatus.CREATED)

    async def _warehouses(self, request: Request, tx: Transaction) -> tuple[Editor, dict[str, UUID]]:
        editor = await self._desk.editor(request, tx)
        return editor, dict(await self._keeping.warehouses(tx, editor.seller))

    async def _place(self, request: Request, tx: Transaction) -> tuple[str, str]:
        _, mine = await self._warehouses(request, tx)
        sku, warehouse = request.path_params["sku"], request.path_params["warehouse"]
        if warehouse not in mine:
            raise Problem(NO_SUCH_SHELF)
        return sku, warehouse


def _shelf(row: Row) -> ShelfDocument:
    left = row.on_hand - row.held - row.allocated
    return ShelfDocument(row.sku, row.warehouse, row.on_hand, row.held, row.allocated, left, row.version)


def _answer(request: Request, row: Row, *, status: int = 200) -> Response:
    return json_answer(request, _shelf(row), status=status, headers={"ETag": f'"{row.version}"'})
