"""`/recover/wait`: who came by a mailed link, and has none of their factors any more, begins to wait.

The page is behind the link, so nobody learns from it whether an account exists. `/recover/stop` is where its person
stops it, by the link of a notice; looking at that page stops nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from events import outbox
from idp.credentials.recovery import PATH, Recovery
from idp.credentials.throttle import WAITS_OF_ACCOUNT, Throttle, TooMany
from idp.credentials.waiting_recovery import (
    OPEN_FOR,
    TOKEN_SIZE,
    WaitingRecoveries,
    WaitingRecovery,
    stop_address,
    stop_hash,
)
from idp.directory.account import Account, Directory
from idp.directory.preferences import Clocks
from idp.endpoints.login.arrivals import Enrolments, visitor
from idp.endpoints.login.failure_codes import LINK_OVER, failure_code
from idp.endpoints.login.login_page import LoginPages, read_fields, record_attempt
from idp.endpoints.sign_in.recover import may_recover, show
from idp.endpoints.sign_in.way_in_notices import WayInNotices
from idp.endpoints.sign_in.ways_back import WaysBack


class WaitPage:
    """Says what waiting means, and begins it."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        enrolments: Enrolments,
        recovery: Recovery,
        waiting: WaitingRecoveries,
        clocks: Clocks,
        notices: WayInNotices,
        throttle: Throttle,
        issuer: str,
        wait_hours: int,
    ) -> None:
        """`wait_hours`: where no organisation of the person says."""
        self._shared = shared
        self._directory = directory
        self._enrolments = enrolments
        self._recovery = recovery
        self._waiting = waiting
        self._clocks = clocks
        self._notices = notices
        self._throttle = throttle
        self._issuer = issuer
        self._wait_hours = wait_hours

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` begins."""
        if request.method != "POST":
            return await self._show(request, request.query_params.get("token", ""))
        self._shared.hops.refuse_foreign(request)
        token = (await read_fields(request)).get("token", "")
        async with self._shared.database.connect() as tx:
            account = await self._whose(tx, token)
        if account is None:
            return await self._gone(request)
        try:
            await self._throttle.attempt(WAITS_OF_ACCOUNT, str(account.id))
        except TooMany as problem:
            return await self._too_many(request, token, problem)
        async with self._shared.database.begin() as tx:
            waits = await self._begin(tx, request, token)
        await self._notices.poke()
        if waits is None:
            return await self._gone(request)
        return await self._waits(request, waits)

    async def _whose(self, tx: Transaction, token: str, *, claim: bool = False) -> Account | None:
        now = self._shared.clock.now()
        link = await (self._recovery.claim if claim else self._recovery.find)(tx, token, now)
        account = await self._directory.account(tx, link.user_id) if link is not None else None
        # a link that stands in for every factor already has nothing to wait for, and one that was shown no address
        if link is None or link.anew or link.sent_to is None or not may_recover(account):
            return None
        return account

    async def _begin(self, tx: Transaction, request: Request, token: str) -> WaitingRecovery | None:
        """The recovery that waits from now on, or did before; None where the link is gone, or nothing is lost."""
        now = self._shared.clock.now()
        link = await self._recovery.find(tx, token, now)
        account = await self._whose(tx, token, claim=True)
        if link is None or link.sent_to is None or account is None:
            return None
        if not await self._enrolments.enrolled(tx, account.id):
            return None
        before = await self._waiting.open_of(tx, account.id)
        if before is not None:
            return before
        here = visitor(request, None)
        hours = await self._hours(tx, account.id)
        if not hours:
            return None
        ready_at = now + timedelta(hours=hours)
        stop = self._shared.entropy.token(TOKEN_SIZE)
        waits = WaitingRecovery(
            id=self._shared.entropy.uuid(),
            user_id=account.id,
            client_id=link.client_id,
            sent_to=link.sent_to,
            asked_from={
                "device": here.device_label,
                "browser": here.browser,
                "place": here.place,
                "network": here.network,
            },
            correlation_id=correlation_id(request),
            asked_at=now,
            ready_at=ready_at,
            expires_at=ready_at + OPEN_FOR,
        )
        if not await self._waiting.add(tx, waits, stop_hash(stop)):
            return await self._waiting.open_of(tx, account.id)
        await self._recovery.finish(tx, account.id)
        details = {"ready_at": ready_at.isoformat()}
        await record_attempt(tx, request, Kind.RECOVERY_WAITING, subject=str(account.id), details=details)
        await self._tell(tx, account, waits, stop_address(self._issuer, stop), now)
        return waits

    async def _hours(self, tx: Transaction, user_id: UUID) -> int:
        """How long they wait; 0: not at all, they ask their administrators."""
        own = await self._waiting.wait_of(tx, user_id)
        return self._wait_hours if own is None else own

    async def _tell(self, tx: Transaction, account: Account, waits: WaitingRecovery, stop: str, now: datetime) -> None:
        """Tell every address, and the open page of the session that lives."""
        zone = await self._clocks.time_zone(tx, account.id)
        for address in dict.fromkeys((account.email, waits.sent_to)):
            if address is not None:
                await self._notices.waiting(tx, account, address, waits, stop, zone)
        live = await self._shared.arrivals.live(tx, account.id, now)
        if live is not None:
            event = {
                "sid": live.sid,
                "sub": str(account.id),
                "outcome": "recovery",
                **{name: waits.asked_from[name] for name in ("device", "browser", "place", "network")},
                "at": now.timestamp(),
            }
            await outbox.append(tx, "attempt", live.sid, event)

    async def _show(self, request: Request, token: str) -> Response:
        async with self._shared.database.connect() as tx:
            account = await self._whose(tx, token)
            if account is None:
                enrolled, waits, hours = [], None, 0
            else:
                enrolled = await self._enrolments.enrolled(tx, account.id)
                waits = await self._waiting.open_of(tx, account.id)
                hours = await self._hours(tx, account.id)
        if account is None or not hours:
            return await self._gone(request)
        if not enrolled:  # a new password is all they need
            address = f"{PATH}?{urlencode({'token': token})}"
            return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
        if waits is not None:
            return await self._waits(request, waits)
        return await show(
            self._shared, request, None, "recover_wait.html", status=HTTPStatus.OK, token=token, hours=hours, code=""
        )

    async def _too_many(self, request: Request, token: str, problem: TooMany) -> Response:
        response = await show(
            self._shared,
            request,
            None,
            "recover_wait.html",
            status=HTTPStatus.TOO_MANY_REQUESTS,
            token=token,
            hours=self._wait_hours,
            code=failure_code(["too_many"]),
        )
        response.headers.update(problem.headers)
        return response

    async def _waits(self, request: Request, waits: WaitingRecovery) -> Response:
        async with self._shared.database.connect() as tx:
            zone = await self._clocks.time_zone(tx, waits.user_id)
        return await show(
            self._shared,
            request,
            waits.client_id,
            "recover_waits.html",
            status=HTTPStatus.OK,
            ready_at=waits.ready_at,
            ready=waits.ready,
            zone=zone,
        )

    async def _gone(self, request: Request) -> Response:
        return await show(self._shared, request, None, "recover_gone.html", status=HTTPStatus.GONE, code=LINK_OVER)


class StopPage:
    """Stops what goes on for whoever has the link of a notice."""

    def __init__(self, shared: LoginPages, *, ways_back: WaysBack, clocks: Clocks, notices: WayInNotices) -> None:
        self._shared = shared
        self._ways_back = ways_back
        self._clocks = clocks
        self._notices = notices

    async def __call__(self, request: Request) -> Response:
        """`GET` says what it is about; `POST` stops it."""
        if request.method != "POST":
            return await self._show(request, request.query_params.get("token", ""))
        self._shared.hops.refuse_foreign(request)
        token = (await read_fields(request)).get("token", "")
        async with self._shared.database.begin() as tx:
            found = await self._ways_back.by_link(tx, token)
            now = self._shared.clock.now()
            stopped = found is not None and await self._ways_back.stop(tx, request, found.user_id, now, "link")
        await self._notices.poke()
        if not stopped:
            return await self._gone(request)
        return await show(self._shared, request, None, "recover_stopped.html", status=HTTPStatus.OK)

    async def _show(self, request: Request, token: str) -> Response:
        async with self._shared.database.connect() as tx:
            found = await self._ways_back.by_link(tx, token)
            zone = await self._clocks.time_zone(tx, found.user_id) if found is not None else ""
        if found is None:
            return await self._gone(request)
        return await show(
            self._shared, request, None, "recover_stop.html", status=HTTPStatus.OK, token=token, found=found, zone=zone
        )

    async def _gone(self, request: Request) -> Response:
        return await show(self._shared, request, None, "recover_over.html", status=HTTPStatus.GONE, code=LINK_OVER)
