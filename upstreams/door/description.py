"""The description of a service's API (OpenAPI 3.1), shown at its address."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route


class Description:
    """The endpoint of one description, which is made when somebody first asks for it."""

    def __init__(self, address: str, described: Callable[[], dict[str, Any]]) -> None:
        self._address = address
        self._described = described

    def routes(self) -> list[BaseRoute]:
        return [Route(self._address, self.show, methods=["GET"])]

    @cached_property
    def _document(self) -> bytes:
        return msgspec.json.encode(self._described())

    async def show(self, _request: Request) -> Response:
        """GET: the description, the same to everybody."""
        return Response(self._document, media_type="application/json")
