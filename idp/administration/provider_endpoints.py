"""The endpoints of organisations' own identity providers, for the table of the API."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from idp.administration.asked import path_uuid, read_body
from idp.administration.documents import Asked
from idp.administration.domain_checks import DomainChecks
from idp.administration.endpoints import Endpoint, answer
from idp.administration.provider_acts import ProviderActs
from idp.administration.provider_documents import (
    ChallengeList,
    DomainCheck,
    DomainEntry,
    ProviderChange,
    ProviderEntry,
    ProviderList,
    ProviderRemoved,
    ProviderRequest,
)
from idp.administration.scope import Administrator

_ALL = "/organisations/{organisation_id}/providers"
_ONE = _ALL + "/{provider_id}"
_DOMAINS = _ONE + "/domains"


class ProviderEndpoints:
    """What stands under an organisation's `providers`."""

    def __init__(self, acts: ProviderActs, checks: DomainChecks) -> None:
        self._acts = acts
        self._checks = checks

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        return {
            Operation("GET", _ALL, "List its own identity providers", ProviderList): self.list,
            Operation("POST", _ALL, "Add one", ProviderEntry, ProviderRequest): self.create,
            Operation("GET", _ONE, "Show one", ProviderEntry): self.show,
            Operation("PUT", _ONE, "Change one", ProviderEntry, ProviderChange): self.change,
            Operation("POST", _ONE + "/remove", "Remove one, and its links", ProviderRemoved, Asked): self.remove,
            Operation("GET", _DOMAINS, "How it proves its domains itself", ChallengeList): self.challenges,
            Operation("POST", _DOMAINS + "/check", "Look at a domain's file", DomainEntry, DomainCheck): self.check,
        }

    async def list(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.list(who, path_uuid(request, "organisation_id")))

    async def create(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ProviderRequest)
        return answer(await self._acts.create(who, path_uuid(request, "organisation_id"), asked))

    async def show(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.show(who, *_named(request)))

    async def change(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ProviderChange)
        return answer(await self._acts.change(who, *_named(request), asked))

    async def remove(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, Asked)
        return answer(await self._acts.remove(who, *_named(request), asked.why))

    async def challenges(self, request: Request, who: Administrator) -> Response:
        return answer(await self._checks.challenges(who, *_named(request)))

    async def check(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, DomainCheck)
        return answer(await self._checks.check(who, *_named(request), asked))


def _named(request: Request) -> tuple[UUID, UUID]:
    return path_uuid(request, "organisation_id"), path_uuid(request, "provider_id")
