"""`/api/policy/elevations/mine`: where a person asks for a role, for a time, and sees what became of it.

A page for anybody whom the policy lets ask, without scripts: the console is administrators' alone. It is reached
through the gateway, which lets no page of another origin post to it, and which asks for fresh factors and keeps the
form meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from config.body import BrokenOff, TooLarge, WrongMediaType, read_body
from config.problem import Problem
from jose.assertion_middleware import assertion_of
from pages import Assets, Pages
from pages.help.words import help_entries
from policy.admin import problems
from policy.admin.acting import Acting
from policy.admin.group import BASE
from policy.admin.overlay_pages import path_id
from policy.overlay.elevation import Elevation, State, Wish

PATH: Final = f"{BASE}/elevations/mine"
_ASSETS: Final = f"{BASE}/elevations/assets"
_FORM: Final = "application/x-www-form-urlencoded"
_MOST: Final = 16 * 1024
_SHOWN: Final = 30
STEPS: Final = (900, 1800, 3600, 7200, 14_400, 28_800)
"""Seconds that are offered, as far as the policy grants them; and the longest that it does."""
_DONE: Final = frozenset(("asked", "withdrawn", "ended"))
_SHORTEST, _LONGEST = 3, 1000
_WHY: Final = "given back by whom it is for"


class OwnElevations:
    """The page, and what is done on it."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting
        self._assets = Assets(base=_ASSETS)
        self._pages = Pages(Path(__file__).parent / "templates", assets=self._assets)

    def routes(self) -> list[BaseRoute]:
        return [
            Route(PATH, self.show, methods=["GET"]),
            Route(PATH, self.ask, methods=["POST"]),
            Route(f"{PATH}/{{id}}", self.act, methods=["POST"]),
            Mount(_ASSETS, self._assets),
        ]

    async def show(self, request: Request) -> Response:
        """`GET …/mine`."""
        return await self._page(request)

    async def ask(self, request: Request) -> Response:
        """`POST …/mine`: ask for a role."""
        form: dict[str, str] = {}
        try:
            self._acting.demand_factors(request)
            form = await _read(request)
            if not _SHORTEST <= len(form.get("reason", "").strip()) <= _LONGEST:
                return await self._page(request, form, fault="reason", status=HTTPStatus.UNPROCESSABLE_ENTITY)
            wish = _wish(form)
            async with self._acting.acting(request) as (tx, person):
                await self._acting.granting.ask(tx, person, wish, self._acting.now())
        except Problem as problem:
            return await self._refused(request, problem, form)
        return _back("asked")

    async def act(self, request: Request) -> Response:
        """`POST …/mine/{id}`: take back what waits, or end what is held."""
        try:
            self._acting.demand_factors(request)
            ident = path_id(request, problems.NO_SUCH_ELEVATION)
            async with self._acting.acting(request) as (tx, person):
                made = await self._acting.granting.give_back(tx, person, ident, _WHY, self._acting.now())
        except Problem as problem:
            return await self._refused(request, problem, {})
        return _back("ended" if made.state is State.ENDED else "withdrawn")

    async def _refused(self, request: Request, problem: Problem, form: Mapping[str, str]) -> Response:
        response = await self._page(request, form, problem=problem, status=problem.kind.status)
        response.headers.update(problem.headers or {})
        return response

    async def _page(
        self,
        request: Request,
        form: Mapping[str, str] | None = None,
        *,
        problem: Problem | None = None,
        fault: str = "",
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        now, granting = self._acting.now(), self._acting.granting
        async with self._acting.reading(request) as (tx, person):
            own = await granting.own(tx, person, now, _SHOWN)
            askable = await granting.askable(tx, person)
            zone = await granting.time_zone(tx, person)
        held = {one.role for one in own if one.state in (State.ASKED, State.APPROVED)}
        locale = self._pages.locale(request, ui_locales=assertion_of(request).subject.locale)
        told = help_entries()[problem.kind.code].texts if problem is not None else None
        done = request.query_params.get("done")
        return self._pages.respond(
            request,
            "own_elevations.html",
            status=status.value,
            locale=locale,
            person=person,
            zone=zone,
            now=now,
            path=PATH,
            under_way=[one for one in own if one.state in (State.ASKED, State.APPROVED)],
            over=[one for one in own if one.state not in (State.ASKED, State.APPROVED)],
            roles=[(role, _choices(longest)) for role, longest in sorted(askable.items()) if role not in held],
            form=form or {},
            fault=fault,
            code=problem.kind.code if problem is not None else "",
            happened=(told["title"][locale], told["do"][locale]) if told is not None else None,
            done=done if done in _DONE and problem is None and not fault else None,
            span=_span,
        )


def _choices(longest: int) -> list[int]:
    """Seconds to choose from."""
    return sorted({*(step for step in STEPS if step < longest), longest})


def _span(one: Elevation) -> tuple[datetime, datetime] | None:
    """From when until when it is, or was, held."""
    return None if one.starts_at is None or one.ends_at is None else (one.starts_at, one.ends_at)


def _wish(form: Mapping[str, str]) -> Wish:
    try:
        given: dict[str, Any] = {**form, "seconds": int(form.get("seconds", ""))}
        given["reason"] = form["reason"].strip()
        return msgspec.convert(given, Wish)
    except (ValueError, msgspec.ValidationError) as error:
        raise Problem(problems.NOT_UNDERSTOOD, str(error)) from error


async def _read(request: Request) -> dict[str, str]:
    try:
        body = await read_body(request, media_type=_FORM, most=_MOST)
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=8))
    except TooLarge as error:
        raise Problem(problems.TOO_LARGE) from error
    except (WrongMediaType, BrokenOff, ValueError) as error:
        raise Problem(problems.NOT_UNDERSTOOD) from error


def _back(done: str) -> Response:
    """To the page, so that a reload repeats nothing."""
    return RedirectResponse(f"{PATH}?done={done}", HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
