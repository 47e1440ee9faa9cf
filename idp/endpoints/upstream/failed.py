"""The page of a sign-in at an upstream that came to nothing: what happened, and the way on. Each has a code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.authorization.step_mac import CONTINUE
from idp.endpoints.login.failure_codes import LOCKED
from idp.endpoints.login.hops import DISPATCHER, way_back
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.federation.problems import UpstreamProblem, UpstreamRefused, UpstreamUnreachable
from idp.federation.provider import UpstreamProvider

REFUSED: Final = "MJ-SIGNIN-060"
UNREACHABLE: Final = "MJ-SIGNIN-061"
UNSOUND: Final = "MJ-SIGNIN-062"
NO_ACCOUNT: Final = "MJ-SIGNIN-063"
OTHER_ORGANISATION: Final = "MJ-SIGNIN-064"
TAKEN: Final = "MJ-SIGNIN-065"
NOT_OFFERED: Final = "MJ-SIGNIN-066"
STATUS: Final[Mapping[str, int]] = {
    REFUSED: 403,
    UNREACHABLE: 503,
    UNSOUND: 502,
    NO_ACCOUNT: 403,
    OTHER_ORGANISATION: 403,
    TAKEN: 409,
    NOT_OFFERED: 404,
    LOCKED: 403,
}

_log = structlog.get_logger(__name__)


def code_of_problem(problem: UpstreamProblem) -> str:
    """What people are told of a problem; what exactly was wrong stays in the log."""
    if isinstance(problem, UpstreamRefused):
        return REFUSED
    return UNREACHABLE if isinstance(problem, UpstreamUnreachable) else UNSOUND


class UpstreamFailed:
    """Answers with the page."""

    def __init__(self, shared: LoginPages) -> None:
        self._shared = shared

    async def of_login(
        self,
        request: Request,
        login: Login,
        code: str,
        provider: UpstreamProvider | None,
        *,
        private: str = "",
        shown: str = "",
    ) -> Response:
        """For a login, which goes on at its dispatcher; put on record. `shown`: the account that nobody has here."""
        async with self._shared.database.begin() as tx:
            await self.record(tx, request, login, code, provider, private)
        onward = urlencode({"hop": self._shared.hops.hop(login, CONTINUE)})
        return await self._shared.show(
            request,
            login,
            Step.SIGN_IN,
            "upstream_failed.html",
            status=STATUS[code],
            repeatable=False,
            code=code,
            shown=shown,
            onward=f"{DISPATCHER}?{onward}&{way_back(login)}",
        )

    async def record(
        self,
        tx: Transaction,
        request: Request,
        login: Login,
        code: str,
        provider: UpstreamProvider | None,
        private: str,
    ) -> None:
        """Write to the audit's trail what failed."""
        ident = str(provider.id) if provider is not None else ""
        _log.info("upstream_problem", code=code, provider=ident, private=private)
        details = {
            "method": "upstream",
            "client": login.client_id,
            "provider": ident,
            "code": code,
            "why": private[:200],
        }
        await record_attempt(tx, request, Kind.SIGN_IN_FAILED, subject=str(login.user_id or ""), details=details)
