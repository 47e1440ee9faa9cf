"""The endpoints of programmes, their phases, cohorts and exceptions, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from config.problem import Problem
from idp.administration import problems
from idp.administration.asked import PAGING, asked_page, asked_text, path_uuid, read_body
from idp.administration.documents import Asked, AskedOfVersion
from idp.administration.endpoints import Endpoint, answer
from idp.administration.notice_acts import NoticeActs
from idp.administration.programme_acts import ProgrammeActs
from idp.administration.programme_documents import (
    ActRequest,
    CohortEntry,
    CohortRequest,
    EventList,
    ExceptionEntry,
    ExceptionList,
    ExceptionRequest,
    LegacyHashes,
    NoticePreviewRequest,
    NoticePreviews,
    PhaseEntry,
    PhaseRequest,
    PreviewDocument,
    ProgrammeChange,
    ProgrammeDocument,
    ProgrammeList,
    ProgrammeRemoved,
    ProgrammeRequest,
)
from idp.administration.scope import Administrator
from idp.rollout.cohorts import Rule
from idp.rollout.phases import ACTS, Act
from idp.rollout.template import Template, shipped

_ALL: Final = "/programmes"
_ONE: Final = _ALL + "/{programme_id}"
_PHASE: Final = _ONE + "/phases/{phase_id}"
_COHORT: Final = _ONE + "/cohorts/{cohort_id}"
_EXCEPTION: Final = _ONE + "/exceptions/{exception_id}"
PREVIEW: Final = Operation(
    "POST", f"{_ONE}/notices/preview", "Say what people would read", NoticePreviews, NoticePreviewRequest
)


class ProgrammeEndpoints:
    """What stands under `/programmes`."""

    def __init__(self, acts: ProgrammeActs, notices: NoticeActs) -> None:
        self._acts = acts
        self._notices = notices

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        made, whole = HTTPStatus.CREATED, ProgrammeDocument
        limit = PAGING[1:]
        rule = (("rule", "of a cohort, as JSON"), *limit)
        legacy = "Count who depends on what an old system made"
        return {
            Operation("GET", _ALL, "List programmes, the newest first", ProgrammeList, query=PAGING): self.list,
            Operation("POST", _ALL, "Make one from a template", whole, ProgrammeRequest, made): self.create,
            Operation("GET", f"{_ALL}/template", "Show the shipped template", Template): self.template,
            Operation("GET", "/organisations/{organisation_id}/legacy-hashes", legacy, LegacyHashes): self.legacy,
            Operation("GET", _ONE, "Show one, with what can be done now", whole): self.show,
            Operation("PUT", _ONE, "Change its name and its words", whole, ProgrammeChange): self.change,
            PREVIEW: self.preview_notices,
            Operation("POST", f"{_ONE}/start", "Go on by the dates", whole, AskedOfVersion): self.start,
            Operation("POST", f"{_ONE}/remove", "Remove one that reached nobody", ProgrammeRemoved, AskedOfVersion): (
                self.remove
            ),
            Operation("GET", f"{_ONE}/preview", "Whom a rule is about", PreviewDocument, query=rule): self.preview,
            Operation("POST", f"{_ONE}/cohorts", "Add a cohort", CohortEntry, CohortRequest, made): self.add_cohort,
            Operation("PUT", _COHORT, "Change a cohort", CohortEntry, CohortRequest): self.change_cohort,
            Operation("PUT", _PHASE, "Change a phase", PhaseEntry, PhaseRequest): self.change_phase,
            Operation("GET", f"{_PHASE}/preview", "Whom it reaches", PreviewDocument, query=limit): self.reach,
            Operation("GET", f"{_PHASE}/events", "What was done to it", EventList, query=PAGING): self.events,
            Operation("POST", _PHASE + "/acts/{act}", "Take it on", PhaseEntry, ActRequest): self.act,
            Operation("GET", f"{_ONE}/exceptions", "List exceptions", ExceptionList, query=PAGING): self.exceptions,
            Operation("POST", f"{_ONE}/exceptions", "Give one", ExceptionEntry, ExceptionRequest, made): self.grant,
            Operation("POST", f"{_EXCEPTION}/withdraw", "Take one back", ExceptionEntry, Asked): self.withdraw,
        }

    async def list(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.list(who, asked_page(request)))

    async def template(self, _request: Request, _who: Administrator) -> Response:
        return answer(shipped())

    async def legacy(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.legacy_hashes(who, path_uuid(request, "organisation_id")))

    async def create(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ProgrammeRequest)
        return _tagged(await self._acts.create(who, asked), HTTPStatus.CREATED)

    async def show(self, request: Request, who: Administrator) -> Response:
        return _tagged(await self._acts.show(who, path_uuid(request, "programme_id")))

    async def change(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ProgrammeChange)
        _match(request, asked.version)
        return _tagged(await self._acts.change(who, path_uuid(request, "programme_id"), asked))

    async def preview_notices(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, NoticePreviewRequest)
        return answer(await self._notices.preview(who, path_uuid(request, "programme_id"), asked))

    async def start(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        _match(request, asked.version)
        programme_id = path_uuid(request, "programme_id")
        return _tagged(await self._acts.start(who, programme_id, asked.version, asked.why))

    async def remove(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        _match(request, asked.version)
        return answer(await self._acts.remove(who, path_uuid(request, "programme_id"), asked.version, asked.why))

    async def preview(self, request: Request, who: Administrator) -> Response:
        try:
            rule = msgspec.json.decode(asked_text(request, "rule") or "", type=Rule)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise Problem(problems.NOT_UNDERSTOOD, f"rule: {error}") from None
        found = await self._acts.preview(who, path_uuid(request, "programme_id"), None, rule, asked_page(request).limit)
        return answer(found)

    async def add_cohort(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, CohortRequest)
        kept = await self._acts.put_cohort(who, path_uuid(request, "programme_id"), None, asked)
        return answer(kept, HTTPStatus.CREATED)

    async def change_cohort(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, CohortRequest)
        cohort_id = path_uuid(request, "cohort_id")
        return answer(await self._acts.put_cohort(who, path_uuid(request, "programme_id"), cohort_id, asked))

    async def change_phase(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, PhaseRequest)
        _match(request, asked.version)
        programme_id, phase_id = path_uuid(request, "programme_id"), path_uuid(request, "phase_id")
        return _tagged(await self._acts.change_phase(who, programme_id, phase_id, asked))

    async def act(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ActRequest)
        _match(request, asked.version)
        programme_id, phase_id = path_uuid(request, "programme_id"), path_uuid(request, "phase_id")
        return _tagged(await self._acts.act(who, programme_id, phase_id, _asked_act(request), asked))

    async def reach(self, request: Request, who: Administrator) -> Response:
        programme_id, phase_id = path_uuid(request, "programme_id"), path_uuid(request, "phase_id")
        return answer(await self._acts.preview(who, programme_id, phase_id, None, asked_page(request).limit))

    async def events(self, request: Request, who: Administrator) -> Response:
        programme_id, phase_id = path_uuid(request, "programme_id"), path_uuid(request, "phase_id")
        return answer(await self._acts.events(who, programme_id, phase_id, asked_page(request)))

    async def exceptions(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.exceptions(who, path_uuid(request, "programme_id"), asked_page(request)))

    async def grant(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ExceptionRequest)
        return answer(await self._acts.grant(who, path_uuid(request, "programme_id"), asked), HTTPStatus.CREATED)

    async def withdraw(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, Asked)
        programme_id, exception_id = path_uuid(request, "programme_id"), path_uuid(request, "exception_id")
        return answer(await self._acts.withdraw(who, programme_id, exception_id, asked.why))


def _asked_act(request: Request) -> Act:
    for act in ACTS:
        if act == request.path_params["act"]:
            return act
    raise Problem(problems.NOT_FOUND)


def _tagged(content: ProgrammeDocument | PhaseEntry, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """An answer with its version as an entity tag (RFC 9110, section 8.8.3)."""
    response = answer(content, status)
    response.headers["ETag"] = f'"{content.version}"'
    return response


def _match(request: Request, version: int) -> None:
    """Whoever sends `If-Match` means the version that their body names (RFC 9110, section 13.1.1)."""
    sent = ", ".join(request.headers.getlist("if-match"))
    if sent and sent.strip() != "*" and f'"{version}"' not in [one.strip() for one in sent.split(",")]:
        raise Problem(problems.NO_MATCH)
