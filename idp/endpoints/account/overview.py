"""`/account`: who one is here, the session at hand, security at a glance, and the way to every other page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from config.connections import Transaction
from idp.credentials.remembered import RememberedBrowser
from idp.devices.device import OwnDevices
from idp.devices.sign_in_history import SignInStorage
from idp.endpoints.account.door import AccountDoor
from idp.endpoints.account.factors import AccountFactors
from idp.endpoints.login.demanding import Demanding
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.sign_in.ways_back import WaysBack
from idp.factors.recovery_code import FEW
from idp.grants.pending import AskedRequests
from idp.rollout.feedback import Feedback
from idp.rollout.methods import method_of

RECENT = timedelta(days=30)
"""How far back "lately" goes."""


class PasswordAge(Protocol):
    """Where it is known since when a password stands."""

    async def changed_at(self, tx: Transaction, user_id: UUID) -> datetime | None:
        """When the person's password was last changed; `None` where they have none."""


class RememberedBrowsers(Protocol):
    """Where remembered browsers are kept."""

    async def remembered_of(self, tx: Transaction, user_id: UUID, now: datetime) -> list[RememberedBrowser]:
        """A person's remembered browsers, the last used one first."""

    async def forget(self, tx: Transaction, user_id: UUID, series: UUID) -> bool:
        """Forget one of a person's. False: there is none."""


class SavedCodes(Protocol):
    """Where recovery codes are kept."""

    async def left(self, tx: Transaction, user_id: UUID) -> int:
        """How many of the person's codes still work."""


class OverviewPage:
    """The page."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        factors: AccountFactors,
        passwords: PasswordAge,
        devices: OwnDevices,
        remembered: RememberedBrowsers,
        history: SignInStorage,
        requests: AskedRequests,
        saved_codes: SavedCodes,
        ways_back: WaysBack,
        feedback: Feedback,
        demanding: Demanding,
        roles_page: str,
    ) -> None:
        """`roles_page`: where people ask for roles, for a time, at the policy's own page behind the gateway."""
        self._shared = shared
        self._door = door
        self._factors = factors
        self._passwords = passwords
        self._devices = devices
        self._remembered = remembered
        self._history = history
        self._requests = requests
        self._saved_codes = saved_codes
        self._ways_back = ways_back
        self._feedback = feedback
        self._demanding = demanding
        self._roles_page = roles_page

    async def __call__(self, request: Request) -> Response:
        """`GET /account`."""
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            now, user_id = self._shared.clock.now(), person.account.id
            saved_codes = await self._saved_codes.left(tx, user_id)
            places = await self._history.places(tx, user_id, now - RECENT)
            demanded = await self._demanding.of(
                tx,
                user_id,
                person.session.organisation_id,
                enrolled=person.enrolled,
                has_mail=person.account.email is not None,
                now=now,
            )
            at_a_glance: dict[str, Any] = {
                "roles_page": self._roles_page,
                "enrolment": demanded.enrolment,
                "passkeys": len(await self._factors.passkeys(tx, user_id)),
                "password_changed_at": await self._passwords.changed_at(tx, user_id),
                "devices": len(await self._devices.of(tx, user_id)),
                "remembered": len(await self._remembered.remembered_of(tx, user_id, now)),
                "requests": len(await self._requests.waiting_for(tx, user_id, now)),
                "way_back": await self._ways_back.of(tx, user_id),
                "recovery_stopped": request.query_params.get("done") == "recovery_stopped",
                "saved_codes": saved_codes,
                "few_codes": saved_codes <= FEW,
                "feedback_due": await self._feedback.is_due(tx, user_id, method_of(person.session.amr), now),
                "unfinished": sum(place.attempts for place in places),
            }
        return await self._door.show(request, person, "account_overview.html", enrolled=person.enrolled, **at_a_glance)
