"""`/account/feedback`: how signing in was, from 1 to 5, with a few words; asked once in a while for each way in.

It can be put aside with one press, and whoever does is left alone as long as whoever answered.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from idp.endpoints.account.door import AccountDoor, back, record_change
from idp.endpoints.login.login_page import LoginPages
from idp.rollout.feedback import BEST, LONGEST, WORST, Feedback
from idp.rollout.methods import method_of

PAGE = "/account/feedback"


class FeedbackPage:
    """Asks, and takes what is said."""

    def __init__(self, shared: LoginPages, *, door: AccountDoor, feedback: Feedback) -> None:
        self._shared = shared
        self._door = door
        self._feedback = feedback

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` keeps a score and a text, or that the person does not want to say."""
        return await self._keep(request) if request.method == "POST" else await self._show(request)

    async def _show(self, request: Request, fault: str | None = None, text: str = "") -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            method = method_of(person.session.amr)
            due = await self._feedback.is_due(tx, person.account.id, method, self._shared.clock.now())
        return await self._door.show(
            request,
            person,
            "account_feedback.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            method=method,
            due=due,
            marks=range(WORST, BEST + 1),
            longest=LONGEST,
            text=text,
            fault=fault,
            done=request.query_params.get("done"),
        )

    async def _keep(self, request: Request) -> Response:
        form = await self._door.form(request)
        skipped, marked = form.get("act") == "skip", form.get("score", "")
        score = int(marked) if marked in [str(mark) for mark in range(WORST, BEST + 1)] and not skipped else None
        if score is None and not skipped:
            async with self._shared.database.connect() as tx:
                await self._door.sender(tx, request, form)
            return await self._show(request, "no_score", form.get("text", "")[:LONGEST])
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form, dangerous=False)
            method, session = method_of(person.session.amr), person.session
            kept = await self._feedback.take(
                tx,
                person.account.id,
                session.organisation_id,
                method,
                score,
                form.get("text", ""),
                self._shared.clock.now(),
            )
            if kept and score is not None:
                details = {"way": method, "score": score}
                await record_change(tx, request, Kind.FEEDBACK_GIVEN, person, details=details)
        return back("/account") if skipped else back(PAGE, done="kept")
