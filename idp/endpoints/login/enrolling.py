"""The step of a login that leads people to set something up, as its page and its codes share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.directory.account import Account, Directory
from idp.endpoints.login.demanding import Demanding
from idp.endpoints.login.factor_notices import FactorNotices
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.login.new_factors import NewFactors
from idp.rollout.demands import Enrolment

Added = Literal["passkey", "totp", "sms", "link"]


@dataclass(frozen=True, slots=True)
class Enrollee:
    """Somebody for whom this step is due."""

    login: Login
    """Claimed."""
    arrived: Arrived
    enrolment: Enrolment
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolStep:
    """Who is at the step, and what is kept of what they set up."""

    shared: LoginPages
    directory: Directory
    demanding: Demanding
    new_factors: NewFactors
    notices: FactorNotices

    async def at(
        self, tx: Transaction, request: Request, login_id: UUID, method: Added | None = None
    ) -> Enrollee | Response:
        """Whose login this is, if the step is due in it and `method` is what its person may set up; or where it is."""
        now = self.shared.clock.now()
        login = await self.shared.claim(tx, login_id, now)
        arrived = await self.shared.due(tx, request, login, Step.ENROL, now)
        account = await self.directory.account(tx, arrived.known.user_id) if arrived is not None else None
        if arrived is None or account is None or (enrolment := arrived.demanded.enrolment) is None:
            return self.shared.hops.to_dispatcher(login)
        if method is not None and method not in enrolment.methods:
            return self.shared.hops.to_dispatcher(login)
        return Enrollee(login, arrived, enrolment, account)

    async def added(
        self, tx: Transaction, request: Request, at: Enrollee, method: Added, amr: tuple[str, ...]
    ) -> tuple[Login, tuple[str, ...] | None]:
        """The login in which a factor was set up, which is one that was just used; and the first saved codes."""
        now = self.shared.clock.now()
        login = at.login.passed_factor(amr, now)
        await self.shared.logins.save(tx, login)
        await self.noted(tx, request, at, method)
        await self.notices.factor_enrolled(tx, request, at.arrived.recipient, now, factor=method)
        return login, await self.new_factors.first_codes(tx, request, at.account.id, at.arrived.known.enrolled)

    async def noted(self, tx: Transaction, request: Request, at: Enrollee, method: Added) -> None:
        """Keep that they did what the phase asks."""
        await self.demanding.enrolled(tx, at.account.id, at.enrolment, method, self.shared.clock.now())
        await self.record(tx, request, Kind.FACTOR_ENROLLED, at, method)

    async def record(self, tx: Transaction, request: Request, kind: Kind, at: Enrollee, method: Added) -> None:
        """Write to the audit's trail."""
        login = at.login
        details = {"method": method, "client": login.client_id}
        if at.enrolment.phase_id is not None:
            details["phase"] = str(at.enrolment.phase_id)
        await record_attempt(
            tx, request, kind, subject=str(login.user_id), sid=login.takeover_of or "", details=details
        )

    async def went_on(self, request: Request, login: Login, codes: tuple[str, ...] | None) -> Response:
        """The saved codes, once, before the login goes on."""
        await self.shared.telling.poke()
        if codes is None:
            return self.shared.hops.to_dispatcher(login)
        return await self.shared.show(request, login, Step.ENROL, "enrolled.html", codes=codes)
