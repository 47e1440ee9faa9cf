"""The console's pages: a shell around each view, in the language and the theme that its person chose."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from config.problem import Problem, ProblemType
from console.views import FOR_SUPPORT, IDENTITY, KEYS, LISTS, VIEWS, View
from jose.assertion_middleware import assertion_of
from pages import Assets, Pages
from pages.help.words import help_entries
from pages.locale import Locale

HERE = Path(__file__).parent
TEMPLATES = (HERE / "templates", *sorted((HERE / "templates" / "policy").iterdir()))
"""The folders of the policy's pages hold a `messages.toml` each, and no template."""
STATIC = (HERE / "static", HERE / "modules")
THEMES = ("system", "light", "dark")
THEME_COOKIE = "mj-theme"
ADMINISTRATOR, SUPPORT = "administrator", "support"
_TOLD_ROOMS = frozenset(("identity", "policy", "gateway", "web"))
"""Whose codes the APIs may answer with: their words go to the scripts."""

NOTHING_HERE = ProblemType(
    "MJ-CONSOLE-001",
    HTTPStatus.NOT_FOUND,
    "The console has no such page",
    "Choose what you are looking for in the navigation.",
)


class ConsolePages:
    """Everything that the console answers with; what fills the pages comes from the APIs, by the scripts."""

    def __init__(self) -> None:
        self._assets = Assets(*STATIC, base="/assets")
        self._pages = Pages(*TEMPLATES, assets=self._assets)
        modules = [file for folder in STATIC for file in sorted(folder.glob("*.js"))]
        self._imports = {f"console/{file.stem}": self._assets.url(file.name) for file in modules}

    def routes(self) -> list[BaseRoute]:
        """Every address."""
        return [
            Route("/", self.home, methods=["GET"]),
            *(Route(view.path, self._endpoint(view), methods=["GET"]) for view in VIEWS),
            Mount("/assets", self._assets),
        ]

    async def home(self, request: Request) -> Response:
        """Lead to what is looked for most."""
        return RedirectResponse(sections(assertion_of(request).subject.roles)[0].path, HTTPStatus.FOUND)

    def problem(self, request: Request, problem: Problem) -> Response:
        """A problem as a page."""
        return self._respond(request, "refused.html", status=problem.kind.status.value, code=problem.kind.code)

    def _endpoint(self, view: View) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            named = request.path_params.get("id", "")
            if "id" in request.path_params and not IDENTITY.fullmatch(named):
                raise Problem(NOTHING_HERE)
            return self._respond(request, "view.html", view=view, named=named)

        return endpoint

    def _respond(self, request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
        subject = assertion_of(request).subject
        locale = self._pages.locale(request, ui_locales=subject.locale)
        asked = request.query_params.get("theme")
        chosen = asked if asked in THEMES else request.cookies.get(THEME_COOKIE)
        theme = chosen if chosen in THEMES else THEMES[0]
        response = self._pages.respond(
            request,
            template,
            status=status,
            locale=locale,
            person=subject.name,
            theme=theme,
            themes=THEMES,
            lists=sections(subject.roles),
            keys=KEYS,
            imports={"imports": self._imports},
            data={
                "me": subject.sub,
                "locale": locale,
                "texts": self._pages.catalogue.section("script", locale),
                "codes": _codes(locale),
            },
            **context,
        )
        if asked == theme:
            response.set_cookie(THEME_COOKIE, theme, max_age=365 * 86400, samesite="lax", secure=True, httponly=True)
        return response


def sections(roles: Collection[str]) -> tuple[View, ...]:
    """The navigation of whoever has these roles: policy lets them see nothing else."""
    if ADMINISTRATOR in roles or SUPPORT not in roles:
        return LISTS
    return tuple(view for view in LISTS if view.section in FOR_SUPPORT)


def _codes(locale: Locale) -> dict[str, list[str]]:
    """What happened and what to do, of every code that the APIs may answer with."""
    return {
        entry.code: [entry.texts["title"][locale], entry.texts["do"][locale]]
        for entry in help_entries().values()
        if entry.room in _TOLD_ROOMS
    }
