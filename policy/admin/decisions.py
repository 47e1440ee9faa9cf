"""What was decided of requests: found by their id, listed, explained, decided again by other versions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.openapi import Operation
from config.problem import Problem
from jose.assertion_middleware import assertion_of
from policy.admin import problems
from policy.admin.archive import EPOCH, Archive
from policy.admin.decision_messages import DecisionList, ReplayDocument, ReplayRequest
from policy.admin.group import BASE, HIGHEST, PAGE, Endpoint, answer, path_number, query_number, read
from policy.admin.telling import told
from policy.decision import Effect
from policy.explain import Explanation
from policy.recording.finding import Wanted
from policy.request import client_role

_ACCEPTED = HTTPStatus.ACCEPTED
_LIST = (
    ("sub", "whose: a person's or a program's `sub`"),
    ("zone", "in which zone"),
    ("effect", "allow, reduce, step_up or deny"),
    ("since", "from this moment on (RFC 3339); left out: as far back as they are kept"),
    ("until", "before this moment; left out: now"),
    ("limit", "how many at most, up to 200"),
    ("after", "the `next` of the page before"),
)


class Decisions:
    """What stands under `decisions` and `replays`: of everybody's requests, so for the operating organisation alone."""

    def __init__(self, archive: Archive, clock: Clock, operator: UUID) -> None:
        self._archive = archive
        self._clock = clock
        self._operator = str(operator)
        replay = self._operators(self.replay)
        self.operations: dict[Operation, Endpoint] = {
            Operation(
                "GET", "/decisions", "List what was decided, the newest first", DecisionList, query=_LIST
            ): self._operators(self.list),
            Operation(
                "GET",
                "/decisions/{id}/explanation",
                "Why it was decided so, and what would have changed it",
                Explanation,
                query=(("version", "by which version; left out: by the one that decided"),),
            ): self._operators(self.explanation),
            Operation(
                "POST",
                "/versions/{number}/replays",
                "Decide what was recorded again, by this version",
                ReplayDocument,
                ReplayRequest,
                _ACCEPTED,
            ): replay,
            Operation(
                "GET", "/replays/{id}", "How far it is, and who would lose or gain", ReplayDocument
            ): self._operators(self.replayed),
        }
        self.changing = (replay,)

    def _operators(self, endpoint: Callable[[Request], Awaitable[Response]]) -> Endpoint:
        async def guarded(request: Request) -> Response:
            who = assertion_of(request).subject
            if who.org != self._operator and who.roles != (client_role(who.sub),):
                raise Problem(problems.DECISIONS_ARE_THE_OPERATORS)
            return await endpoint(request)

        return guarded

    async def list(self, request: Request) -> Response:
        now = self._clock.now()
        query = request.query_params
        wanted = Wanted(
            since=_moment(query.get("since")) or EPOCH,
            until=_moment(query.get("until")) or now,
            sub=query.get("sub", ""),
            zone=query.get("zone", ""),
            effect=_effect(query.get("effect")),
            after=_cursor(query.get("after")),
        )
        found, after = await self._archive.list(wanted, query_number(request, "limit", PAGE, 200))
        return answer(DecisionList(found, None if after is None else _opaque(after)))

    async def explanation(self, request: Request) -> Response:
        version = query_number(request, "version", 0, HIGHEST) if request.query_params.get("version") else None
        return told(request, await self._archive.explanation(request.path_params["id"], version))

    async def replay(self, request: Request) -> Response:
        asked = await read(request, ReplayRequest)
        made = await self._archive.replay(path_number(request), asked, assertion_of(request).subject.sub)
        return answer(made, _ACCEPTED, {"Location": f"{BASE}/replays/{made.id}"})

    async def replayed(self, request: Request) -> Response:
        try:
            ident = UUID(request.path_params["id"])
        except ValueError as error:
            raise Problem(problems.NO_SUCH_REPLAY) from error
        return answer(await self._archive.replayed(ident))


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(problems.NOT_UNDERSTOOD, "a moment of RFC 3339 is expected in the query") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _effect(text: str | None) -> Effect | None:
    if not text:
        return None
    try:
        return Effect(text)
    except ValueError as error:
        raise Problem(problems.NOT_UNDERSTOOD, f"an effect is one of {', '.join(Effect)}") from error


def _opaque(after: tuple[float, str]) -> str:
    return base64.urlsafe_b64encode(f"{after[0]!r} {after[1]}".encode()).decode().rstrip("=")


def _cursor(text: str | None) -> tuple[float, str] | None:
    if not text:
        return None
    try:
        at, _, ident = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(" ")
        moment = float(at)
        datetime.fromtimestamp(moment, UTC)
    except (binascii.Error, ValueError, OverflowError, OSError) as error:
        raise Problem(problems.NOT_UNDERSTOOD, "`after` is the `next` of the page before") from error
    return moment, ident
