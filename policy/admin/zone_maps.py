"""Zones and the flows between them, of the published policy and the route table of now: as data and as a picture."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from config.connections import Database
from config.openapi import Operation
from config.problem import Problem
from pages.locale import choose_locale
from policy import artefact
from policy.admin import problems
from policy.admin.group import Endpoint, answer, query_number
from policy.admin.zone_messages import ZoneList
from policy.versions import Version, Versions
from policy.zone_map.map import ZoneMap, zone_map
from policy.zone_map.picture import draw
from policy.zone_map.routes import SHIPPED, read_routes

PAGE = 50
MOST = 200
_SVG = "image/svg+xml"
_HARMLESS = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For whoever opens the picture by itself: it is told of by names that administrators chose."""


class ZoneMaps:
    """What stands under `zones`. The route table is looked at anew each time, as the gateways take it up hot."""

    changing: tuple[Endpoint, ...] = ()

    def __init__(self, database: Database, versions: Versions, routes: Path | None, port: int) -> None:
        """`routes`: the file of the gateways' route table, None the shipped one; `port` stands for `{port}` in it."""
        self._database = database
        self._versions = versions
        self._routes = routes or SHIPPED
        self._port = port
        after = ("after", "The name of the last zone of the page before."), ("limit", f"How many, at most {MOST}.")
        language = (("lang", "`ko` or `en`; otherwise by Accept-Language."),)
        self.operations: dict[Operation, Endpoint] = {
            Operation("GET", "/zones", "List zones, by name", ZoneList, query=after): self.list,
            Operation("GET", "/zones/map", "All zones and the flows between them", ZoneMap): self.map,
            Operation("GET", "/zones/map.svg", "The same as a picture", ZoneMap, query=language, media=_SVG): (
                self.picture
            ),
        }

    async def list(self, request: Request) -> Response:
        limit = query_number(request, "limit", PAGE, MOST)
        after = request.query_params.get("after", "")
        found = [zone for zone in (await self._map()).zones if zone.name > after]
        return answer(ZoneList(tuple(found[:limit]), found[limit - 1].name if len(found) > limit else None))

    async def map(self, _request: Request) -> Response:
        return answer(await self._map())

    async def picture(self, request: Request) -> Response:
        locale = choose_locale(
            ui_locales=request.query_params.get("lang"), accept_language=request.headers.get("accept-language")
        )
        drawn = await asyncio.to_thread(draw, await self._map(), locale)
        return Response(
            drawn,
            status_code=HTTPStatus.OK,
            media_type=_SVG,
            headers={
                "Cache-Control": "no-store",
                "Content-Language": locale,
                "Content-Security-Policy": _HARMLESS,
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def _map(self) -> ZoneMap:
        async with self._database.connect() as tx:
            found = await self._versions.current(tx)
        if found is None:
            raise Problem(problems.NO_POLICY)
        return await asyncio.to_thread(self._made, found)

    def _made(self, found: Version) -> ZoneMap:
        return zone_map(artefact.decode(found.artefact), found.number, read_routes(self._routes, self._port))
