"""`/recover/code`: the code that an administrator told by phone, once another one agreed; it leads to a new password.

Whoever types one is answered the same, whether or not there is such a person, or a reset of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from idp.credentials.assisted_reset import LINK_FOR, AssistedResets, code_hash
from idp.credentials.recovery import Recovery
from idp.credentials.throttle import (
    RESET_CODES_OF_ADDRESS,
    RESET_CODES_OF_NAME,
    Throttle,
    TooMany,
    address_subject,
)
from idp.directory.account import Directory
from idp.directory.login_name import normalise
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.login_page import LoginPages, read_fields, record_attempt
from idp.endpoints.sign_in.first_factor import subject
from idp.endpoints.sign_in.guess import NOBODY
from idp.endpoints.sign_in.recover import may_recover, show
from idp.endpoints.whereabouts import client_ip


class ResetCodePage:
    """Takes a name and a code."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        resets: AssistedResets,
        recovery: Recovery,
        throttle: Throttle,
    ) -> None:
        self._shared = shared
        self._directory = directory
        self._resets = resets
        self._recovery = recovery
        self._throttle = throttle

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes them."""
        if request.method != "POST":
            return await self._show(request, "")
        self._shared.hops.refuse_foreign(request)
        form = await read_fields(request)
        typed, code = form.get("login", "").strip(), form.get("code", "")
        missing = [(field, f"missing_{field}") for field, given in (("identifier", typed), ("code", code)) if not given]
        if missing:
            return await self._show(request, typed, missing)
        name = normalise(typed)
        counted = [
            (RESET_CODES_OF_NAME, subject(None, name)),
            (RESET_CODES_OF_ADDRESS, address_subject(client_ip(request))),
        ]
        try:
            await self._throttle.attempt_all(counted)
        except TooMany as problem:
            response = await self._show(request, typed, [("", "too_many")], HTTPStatus.TOO_MANY_REQUESTS)
            response.headers.update(problem.headers)
            return response
        async with self._shared.database.begin() as tx:
            link = await self._open(tx, request, name, code)
        if link is None:
            return await self._show(request, typed, [("code", "wrong_reset_code")])
        await self._throttle.all_right(counted)
        parts = urlsplit(link)
        return RedirectResponse(f"{parts.path}?{parts.query}", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})

    async def _open(self, tx: Transaction, request: Request, name: str | None, code: str) -> str | None:
        """The link of a new password, if the code is this person's."""
        now = self._shared.clock.now()
        account = await self._directory.account_by_login_name(tx, name) if name is not None else None
        person = account.id if account is not None else NOBODY
        digest = code_hash(person, code)
        reset = await self._resets.approved_by_code(tx, person, digest, now) if digest is not None else None
        if account is None or reset is None or not may_recover(account):
            details = {"method": "reset_code"}
            await record_attempt(tx, request, Kind.FACTOR_FAILED, subject=subject(account, name), details=details)
            return None
        return await self._recovery.anew(tx, person, None, now, sent_to=None, expires_at=now + LINK_FOR)

    async def _show(
        self,
        request: Request,
        name: str,
        faults: Sequence[tuple[str, str]] = (),
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> Response:
        return await show(
            self._shared,
            request,
            None,
            "recover_code.html",
            status=status if faults else HTTPStatus.OK,
            name=name,
            faults=faults,
            code=failure_code(what for _, what in faults),
        )
