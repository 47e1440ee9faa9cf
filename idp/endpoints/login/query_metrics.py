"""What a login costs in statements (A7): counted at every step, whichever node serves it.

`munjigi_login_queries_total / munjigi_logins_total` is the cost of a login. One login may be served by several nodes,
and no node sees all of it, so the two are counted apart.
"""

from __future__ import annotations

from prometheus_client import Counter
from starlette.types import ASGIApp, Receive, Scope, Send

from config.query_count import counting

QUERIES = Counter("munjigi_login_queries", "Statements to PostgreSQL of the steps of logins.", ["step"])
LOGINS = Counter("munjigi_logins", "Logins that are over, by what their client was told.", ["outcome"])

STEPS = {
    "/authorize": "authorize",
    "/authorize/continue": "dispatcher",
    "/sign-in": "sign_in",
    "/factor": "factor",
    "/takeover": "takeover",
}
"""The paths of a login; those below one of them count with it, where they have no step of their own."""


class LoginQueries:
    """Counts the statements of the requests that are steps of a login."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        step = _step(scope["path"]) if scope["type"] == "http" else None
        if step is None:
            await self._app(scope, receive, send)
            return
        with counting() as count:
            try:
                await self._app(scope, receive, send)
            finally:
                QUERIES.labels(step).inc(count.statements)


def _step(path: str) -> str | None:
    return STEPS.get(path) or STEPS.get("/" + path.lstrip("/").partition("/")[0])
