"""`/account/links`: an organisation's own accounts that lead in; they come and go like factors."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from config.connections import Transaction
from config.problem import Problem
from idp.authorization.step_mac import StepMac
from idp.endpoints.account.door import NOT_NOW, NOT_SIGNED_IN, AccountDoor, Person, as_id, back
from idp.endpoints.account.factors import changed
from idp.endpoints.account.letters import Letters
from idp.endpoints.login.hops import FORGED
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.upstream.asking import Asker, Asking
from idp.endpoints.upstream.callback import Answered, Describing
from idp.endpoints.upstream.failed import NOT_OFFERED, OTHER_ORGANISATION, STATUS, TAKEN, code_of_problem
from idp.endpoints.upstream.link_page import FACTOR
from idp.federation.links import Link, Links, may_be_linked
from idp.federation.problems import UpstreamProblem
from idp.federation.provider import Providers, UpstreamProvider
from idp.federation.question import Attempt, Demand

PATH: Final = "/account/links"
DONE: Final = frozenset({"linked", "unlinked"})
CONNECT: Final = "account-link"
"""The step of the MAC that a way to an upstream carries: a link of its own, since a form may lead nowhere else."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A link, the provider that it is of, and whether it is the last way in."""

    link: Link
    provider: UpstreamProvider
    last: bool


class LinksPage:
    """The list, the way to an upstream and back, and the end of a link."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        links: Links,
        providers: Providers,
        asking: Asking,
        mac: StepMac,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._links = links
        self._providers = providers
        self._asking = asking
        self._mac = mac

    async def __call__(self, request: Request) -> Response:
        """`GET /account/links`."""
        return await self._list(request)

    async def connect(self, request: Request) -> Response:
        """`GET /account/links/connect?provider=&hop=`: to the upstream; only the person's own page knows the hop."""
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            if not hmac.compare_digest(request.query_params.get("hop", "").encode(), self._hop(person).encode()):
                raise Problem(FORGED, private="the link of another session")
            if person.refusal is not None:
                raise Problem(NOT_NOW, private=person.refusal)
            ident = as_id(request.query_params.get("provider"))
            provider = next((one for one in await self._linkable(tx, person) if one.id == ident), None)
        if provider is None:
            return await self._list(request, code=NOT_OFFERED)
        try:
            return await self._asking.ask(provider, Asker(sid=person.session.sid), Demand())
        except UpstreamProblem as problem:
            return await self._list(request, code=code_of_problem(problem))

    async def answered(self, request: Request, attempt: Attempt, answered: Answered, describe: Describing) -> Response:
        """A sound answer to such a question: the account leads in from now on."""
        told = await describe(answered)
        async with self._shared.database.begin() as tx:
            person = await self._asker(tx, request, attempt)
            code = await self._link(tx, request, person, answered, told.shown)
        if code:
            return await self._list(request, code=code)
        await self._letters.poke()
        return back(PATH, done="linked")

    async def failed(
        self, request: Request, _attempt: Attempt, _provider: UpstreamProvider | None, problem: UpstreamProblem
    ) -> Response:
        """Any other answer."""
        return await self._list(request, code=code_of_problem(problem))

    async def ask_to_remove(self, request: Request) -> Response:
        """`GET /account/links/remove?id=`: what it means, before it is done."""
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            found = await self._find(tx, person, request.query_params)
        if found is None:
            return await self._list(request, fault="not_found")
        return await self._door.show(request, person, "account_link_remove.html", shown=found)

    async def remove(self, request: Request) -> Response:
        """`POST /account/links/remove`. Never the last way in; logins that came by it begin nothing any more."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.sender(tx, request, form)
            await self._shared.logins.forget_person(tx, person.account.id)  # before the session is locked
            person = await self._door.changing(tx, request, form)
            found = await self._find(tx, person, form)
            fault = "not_found" if found is None else "last_way" if found.last else ""
            if found is not None and not fault:
                await self._links.remove(tx, person.account.id, found.link.provider_id, found.link.subject)
                await changed(tx, request, person, self._letters, "removed", FACTOR)
        if fault:
            return await self._list(request, fault=fault)
        await self._letters.poke()
        return back(PATH, done="unlinked")

    async def _asker(self, tx: Transaction, request: Request, attempt: Attempt) -> Person:
        """The person of the session that asked, which is locked against its end (S3)."""
        session = await self._shared.arrivals.own(tx, request, self._shared.clock.now())
        if session is not None:
            await self._shared.arrivals.hold(tx, session)
        person = await self._door.person(tx, request)
        if person is None or person.session.sid != attempt.sid:
            raise Problem(NOT_SIGNED_IN)
        if person.refusal is not None:
            raise Problem(NOT_NOW, private=person.refusal)
        return person

    async def _link(self, tx: Transaction, request: Request, person: Person, answered: Answered, shown: str) -> str:
        """Link the account. Returns the code of why not; empty: it is linked."""
        provider, subject, user_id = answered.provider, answered.claims.sub, person.account.id
        current = await self._providers.claim(tx, provider.id)
        if current is None or not current.enabled:
            return NOT_OFFERED
        if not may_be_linked(await self._links.organisations_of(tx, user_id), provider.organisation_id):
            return OTHER_ORGANISATION
        now = self._shared.clock.now()
        link = Link(provider_id=provider.id, subject=subject, user_id=user_id, shown=shown, linked_at=now)
        if not await self._links.add(tx, link):
            found = await self._links.find(tx, provider.id, subject)
            return "" if found is not None and found.user_id == user_id else TAKEN
        await changed(tx, request, person, self._letters, "enrolled", FACTOR)
        return ""

    async def _linkable(self, tx: Transaction, person: Person) -> list[UpstreamProvider]:
        """The providers whose accounts this person may link."""
        organisation_id = person.session.organisation_id
        if not may_be_linked(await self._links.organisations_of(tx, person.account.id), organisation_id):
            return []
        return await self._providers.enabled_of(tx, organisation_id)

    async def _shown(self, tx: Transaction, person: Person) -> list[Shown]:
        only_one = (await self._links.ways_in(tx, person.account.id)).only_one
        shown = []
        for link in await self._links.of(tx, person.account.id):
            provider = await self._providers.find(tx, link.provider_id)
            if provider is not None:
                shown.append(Shown(link, provider, last=only_one and provider.enabled))
        return shown

    async def _find(self, tx: Transaction, person: Person, named: Mapping[str, str]) -> Shown | None:
        return next((one for one in await self._shown(tx, person) if one.link.key == named.get("id")), None)

    def _hop(self, person: Person) -> str:
        return self._mac.issue(person.account.id, CONNECT, person.session.cookie_hash)

    async def _list(self, request: Request, *, fault: str = "", code: str = "") -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            shown = await self._shown(tx, person)
            linkable = await self._linkable(tx, person)
        done = request.query_params.get("done", "")
        status = HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK
        return await self._door.show(
            request,
            person,
            "account_links.html",
            status=STATUS[code] if code else status,
            repeatable=not code,
            links=shown,
            linkable=linkable,
            connect_hop=self._hop(person),
            fault=fault,
            code=code,
            done=done if done in DONE and not fault and not code else None,
        )
