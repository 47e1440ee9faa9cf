"""The endpoints of domains that organisations name, for the table of the API."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from idp.administration.asked import MOST, PAGE, asked_page, read_body
from idp.administration.domain_acts import DomainActs
from idp.administration.endpoints import Endpoint, answer
from idp.administration.provider_documents import DomainAsked, DomainEntry, DomainList
from idp.administration.scope import Administrator

_ALL = "/provider-domains"


class DomainEndpoints:
    """What stands under `/provider-domains`."""

    def __init__(self, acts: DomainActs) -> None:
        self._acts = acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        paging = (("after", "`next` of the page before"), ("limit", f"at most {MOST}, otherwise {PAGE}"))
        prove, withdraw = "Give the operator's word for one", "Take it back"
        return {
            Operation("GET", _ALL, "List the domains that organisations name", DomainList, query=paging): self.claims,
            Operation("POST", f"{_ALL}/prove", prove, DomainEntry, DomainAsked): self.prove,
            Operation("POST", f"{_ALL}/withdraw", withdraw, DomainEntry, DomainAsked): self.withdraw,
        }

    async def claims(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.claims(who, asked_page(request)))

    async def prove(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.prove(who, await read_body(request, DomainAsked)))

    async def withdraw(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.withdraw(who, await read_body(request, DomainAsked)))
