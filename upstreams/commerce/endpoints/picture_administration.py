"""Pictures of products: uploaded by those who look after a product, seen by everybody."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.entity_tags import unchanged
from config.problem import Problem
from upstreams.commerce.catalogue.pictures import MAX_BYTES, MAX_PICTURES, NOT_A_PICTURE, TOO_MANY_PICTURES, draw_anew
from upstreams.commerce.endpoints import product_documents as documents
from upstreams.commerce.endpoints.editors import BASE, Desk
from upstreams.door.answers import NOT_FOUND, NOT_UNDERSTOOD, json_answer

_FOR_A_YEAR = "private, max-age=31536000, immutable"
_NOTHING_MORE = "default-src 'none'; sandbox"


class PictureAdministration:
    """The endpoints of pictures."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stores = desk.stores

    def routes(self) -> list[BaseRoute]:
        one = f"{BASE}/products/{{code}}/pictures"
        return [
            Route("/pictures/{digest}", self.show, methods=["GET"]),
            Route(one, self.pictures, methods=["GET"]),
            Route(one, self.add_picture, methods=["POST"]),
            Route(f"{one}/{{id:uuid}}", self.remove_picture, methods=["DELETE"]),
        ]

    async def show(self, request: Request) -> Response:
        """GET /pictures/{digest}: the bytes. An address stands for them for ever, so they are asked for once."""
        name = request.path_params["digest"]
        tag = f'"{name}"'
        try:
            digest = bytes.fromhex(name) if len(name) == 64 else b""
        except ValueError:
            digest = b""
        if not digest:
            raise Problem(NOT_FOUND)
        headers = {
            "Cache-Control": _FOR_A_YEAR,
            "ETag": tag,
            "Content-Security-Policy": _NOTHING_MORE,
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": "inline",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if unchanged(request, tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        async with self._desk.database.connect() as tx:
            found = await self._stores.pictures.content(tx, digest)
        if found is None:
            raise Problem(NOT_FOUND)
        media, content = found
        return Response(content, media_type=media, headers=headers)

    async def pictures(self, request: Request) -> Response:
        """GET …/products/{code}/pictures."""
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
            placed = await self._stores.pictures.of(tx, product.id)
        return json_answer(request, documents.PicturePage([documents.picture_document(one) for one in placed]))

    async def add_picture(self, request: Request) -> Response:
        """POST …/products/{code}/pictures?ko=…&en=…: the body is the picture, the words say what it shows."""
        alt = {language: request.query_params.get(language, "").strip()[:200] for language in ("ko", "en")}
        if not all(alt.values()) or any("\0" in text for text in alt.values()):
            raise Problem(NOT_UNDERSTOOD, "Say in both languages what the picture shows.")
        async with self._desk.database.connect() as tx:
            await self._desk.product(request, tx)  # nobody else has bytes read and pixels drawn here
        uploaded = await _upload(request)
        drawn = await asyncio.to_thread(draw_anew, uploaded)
        async with self._desk.database.begin() as tx:
            _, product = await self._desk.product(request, tx, lock=True)

            async def make() -> UUID:
                if len(await self._stores.pictures.of(tx, product.id)) >= MAX_PICTURES:
                    raise Problem(TOO_MANY_PICTURES)
                placed = await self._stores.pictures.put(
                    tx, product.id, self._desk.entropy.uuid(), drawn, alt, self._desk.clock.now()
                )
                await self._stores.products.touch(tx, product.id)
                return placed.id

            ident = await self._desk.once(request, tx, [alt, drawn.digest.hex()], make)
            shown = [one for one in await self._stores.pictures.of(tx, product.id) if one.id == ident]
        if not shown:
            raise Problem(NOT_FOUND, private="it was removed meanwhile")
        document = documents.picture_document(shown[0])
        return json_answer(request, document, status=HTTPStatus.CREATED, headers={"Location": document.address})

    async def remove_picture(self, request: Request) -> Response:
        """DELETE …/products/{code}/pictures/{id}."""
        async with self._desk.database.begin() as tx:
            _, product = await self._desk.product(request, tx, lock=True)
            if not await self._stores.pictures.remove(tx, product.id, request.path_params["id"]):
                raise Problem(NOT_FOUND)
            await self._stores.products.touch(tx, product.id)
        return Response(status_code=HTTPStatus.NO_CONTENT)


async def _upload(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Problem(NOT_A_PICTURE)
    return bytes(body)
