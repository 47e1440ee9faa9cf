"""Casbin's own files become a draft."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from config.web import correlation_id
from jose.assertion_middleware import assertion_of
from policy.admin.etags import version_tag
from policy.admin.group import BASE, Endpoint, answer, read
from policy.admin.import_messages import ImportRequest
from policy.admin.messages import DraftAnswer
from policy.admin.problems import FaultEntry, FaultyPolicy
from policy.admin.release_desk import ReleaseDesk
from policy.artefact import Policy
from policy.casbin_files.model import WrongModel
from policy.casbin_files.reading import Imported, take_over
from policy.casbin_lines import WrongLines

TAKEN_OVER = "casbin."
"""How the ids of rules begin that were taken over."""
_CREATED = HTTPStatus.CREATED


class Imports:
    """What stands under `import`."""

    def __init__(self, releases: ReleaseDesk) -> None:
        self._releases = releases
        self.operations: dict[Operation, Endpoint] = {
            Operation(
                "POST",
                "/import",
                "Draft what Casbin's files say, beside the rest",
                DraftAnswer,
                ImportRequest,
                _CREATED,
            ): self.take_over,
        }
        self.changing = (self.take_over,)

    async def take_over(self, request: Request) -> Response:
        """What is published, and in one zone what the files say: in the place of what was taken over there before."""
        asked = await read(request, ImportRequest)
        act = self._releases.act(assertion_of(request).subject, asked.why, correlation_id(request))
        found = await asyncio.to_thread(_read, asked)

        def joined(base: Policy) -> Policy:
            return beside(base, found, asked.setting.zone)

        made, told = await self._releases.draft_of(joined, act)
        return answer(told, _CREATED, {"ETag": version_tag(made), "Location": f"{BASE}/versions/{made.number}"})


def _read(asked: ImportRequest) -> Imported:
    try:
        return take_over(asked.model, asked.policy, asked.setting)
    except WrongModel as error:
        raise FaultyPolicy([FaultEntry(f"model: {each.message}", line=each.line) for each in error.errors]) from error
    except WrongLines as error:
        raise FaultyPolicy([FaultEntry(f"policy: {each.message}", line=each.line) for each in error.errors]) from error


def beside(base: Policy, found: Imported, zone: str) -> Policy:
    """A policy with what was taken over of one zone, in the place of what was there before of that kind."""
    lines = found.lines
    kept = tuple(rule for rule in base.rules if not (rule.zone == zone and rule.id.startswith(TAKEN_OVER)))
    return msgspec.structs.replace(
        base,
        rules=(*kept, *lines.rules),
        roles=tuple(dict.fromkeys((*base.roles, *found.roles))),
        inheritance=tuple(dict.fromkeys((*base.inheritance, *lines.inheritance))),
        assignments=tuple(dict.fromkeys((*base.assignments, *lines.assignments))),
        resources=(
            *(one for one in base.resources if one.zone != zone or one not in lines.resources),
            *lines.resources,
        ),
    )
