"""The page in place of a form's answer: the form stays in the browser, and goes on once its person was confirmed."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlencode

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.decision.enforcement import SIGN_IN, STEP_UP_NEEDED, challenge
from gateway.relying_party.return_path import DONE
from gateway.step_up.demand import Asked
from gateway.step_up.kept_form import LIMIT, KeptForm, NotKept, read_form
from idp.protocol.assurance import ACR_ONE, ACR_THREE
from pages import Assets, Pages

_log = structlog.get_logger(__name__)

HERE = Path(__file__).parent
BASE = "/.munjigi/step-up"


class StepUpPages:
    """An ASGI application around the gateway's own pages: answers where the pipeline asked for a step-up."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._assets = Assets(HERE / "static", base=f"{BASE}/assets")
        self._pages = Pages(HERE / "templates", assets=self._assets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked: Asked | None = scope["state"].get("step_up")
        if asked is not None:
            await self._ask(scope, receive, send, asked)
        elif scope["path"].startswith(f"{BASE}/assets/"):
            await self._assets(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    async def _ask(self, scope: Scope, receive: Receive, send: Send, asked: Asked) -> None:
        request = Request(scope, receive)
        with structlog.contextvars.bound_contextvars(correlation_id=scope["state"]["correlation_id"]):
            try:
                form = await _sent(request)
            except ClientDisconnect:
                return
            except NotKept as error:
                _log.info("form_not_kept", private=str(error))
                form = None
            response = self._pages.respond(
                request,
                "step_up.html",
                status=STEP_UP_NEEDED.status.value,
                form_action=("http:", "https:"),  # wherever the service leads to after its form
                form=form,
                target=asked.target,
                person=asked.person,
                why=_why(asked),
                sign_in=f"{SIGN_IN}?{urlencode({**asked.wanted, 'return_to': DONE}, quote_via=quote)}",
                code=STEP_UP_NEEDED.code,
            )
            # the form must be known for this origin's where a browser sends no Fetch Metadata
            response.headers["Referrer-Policy"] = "same-origin"
            name, value = challenge(STEP_UP_NEEDED.title, asked.wanted)
            response.headers[name.decode()] = value.decode()
            await response(scope, receive, send)


async def _sent(request: Request) -> KeptForm:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LIMIT:
            raise NotKept("larger than is kept")
    return read_form(request.headers.get("content-type", ""), body)


def _why(asked: Asked) -> str:
    """Which words: a second factor, a recent sign-in, or both; or the one kind of key that is taken."""
    if asked.wanted.get("acr_values") == ACR_THREE:
        return "hardware"
    if "max_age" not in asked.wanted:
        return "stronger"
    return "fresher" if asked.wanted.get("acr_values", ACR_ONE) == ACR_ONE else "both"
