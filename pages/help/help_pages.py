"""The help pages: one for each code and each way of signing in, and the index of them all."""

from __future__ import annotations

import re
from itertools import groupby

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.help.support import Asking, Support
from pages.help.ways import WAYS, way
from pages.help.words import HelpEntry, help_entries
from pages.renderer import Pages

HELPED = Counter("munjigi_help_pages", "Help pages that were shown, by code or way of signing in.", ["entry"])
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{8,64}")


class HelpPages:
    """What a code means, told to whoever asks; nobody needs to be signed in."""

    def __init__(self, pages: Pages, support: Asking) -> None:
        self._pages = pages
        self._support = support

    def routes(self, path: str = "/help") -> list[Route]:
        """The pages at `path`, which is where `pages.help_at` leads to."""
        return [Route(path, self.index, methods=["GET"]), Route(f"{path}/{{code}}", self.entry, methods=["GET"])]

    async def index(self, request: Request) -> Response:
        """Every code, by room."""
        return await self._index(request)

    async def entry(self, request: Request) -> Response:
        """One code, or a way of signing in; one that is not known leads to the index."""
        if request.path_params["code"] in WAYS:
            return await self._way(request, request.path_params["code"])
        found = help_entries().get(request.path_params["code"].upper())
        if found is None:
            return await self._index(request, status=404)
        HELPED.labels(found.code).inc()
        reference = request.query_params.get("ref", "")
        reference = reference if _REFERENCE.fullmatch(reference) else ""
        support = await self._support(request)
        return self._pages.respond(
            request,
            "help.html",
            look=support.look,
            entry=found,
            reference=reference,
            support=support,
            mail=self._mail(request, found, reference, support),
        )

    async def _way(self, request: Request, name: str) -> Response:
        HELPED.labels(name).inc()
        support = await self._support(request)
        shown = way(name, self._pages.locale(request), self._pages.catalogue)
        return self._pages.respond(request, "help_way.html", look=support.look, way=shown, support=support)

    async def _index(self, request: Request, *, status: int = 200) -> Response:
        support = await self._support(request)
        rooms = [(room, list(entries)) for room, entries in groupby(help_entries().values(), lambda entry: entry.room)]
        return self._pages.respond(
            request,
            "help_index.html",
            status=status,
            look=support.look,
            rooms=rooms,
            ways=WAYS,
            unknown=status == 404,
            support=support,
        )

    def _mail(self, request: Request, entry: HelpEntry, reference: str, support: Support) -> str:
        locale = self._pages.locale(request)
        about = " ".join(part for part in (entry.code, reference) if part)
        body = self._pages.catalogue.text(
            "help_page.mail_body", locale, title=entry.texts["title"][locale], about=about
        )
        return support.mail(subject=f"[{about}] {entry.texts['title'][locale]}", body=body)
