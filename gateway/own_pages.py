"""The gateway's own pages at `/.munjigi/`, put together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gateway.callers.cookie_check import CookieCheck
from gateway.callers.token_check import TokenCheck
from gateway.engines import Engines
from gateway.relying_party.beginnings import Beginnings
from gateway.relying_party.provider import Provider
from gateway.relying_party.sign_in import SignInFlow
from gateway.relying_party.sign_out import SignOut
from gateway.routes.route_table import RouteTable
from gateway.session_pages.app import SessionPages
from gateway.session_pages.status import SessionStatus
from gateway.session_pages.visitor import Visitors
from gateway.session_pages.watch import SessionWatch
from gateway.sessions.activity import Activity
from gateway.sessions.session_check import SessionCheck
from gateway.step_up.page import StepUpPages


def own_pages(
    engines: Engines,
    *,
    provider: Provider,
    tokens: TokenCheck,
    cookies: CookieCheck,
    sessions: SessionCheck,
    watch: SessionWatch,
    activity: Activity,
    sign_out: SignOut,
    table: Callable[[], RouteTable],
) -> StepUpPages:
    """The ASGI application of them all."""
    settings, clock, scheme = engines.settings, engines.clock, engines.settings.gateway.origin_scheme
    visitors = Visitors(cookies=cookies, sessions=sessions, clock=clock, scheme=scheme)
    pages = SessionPages(
        visitors=visitors,
        status=SessionStatus(
            visitors=visitors,
            sessions=sessions,
            watch=watch,
            activity=activity,
            clock=clock,
            settings=settings.session,
            table=table,
        ),
        flow=SignInFlow(
            provider=provider,
            tokens=tokens,
            beginnings=Beginnings(engines.valkey),
            database=engines.database,
            sign_ins=engines.sign_ins,
            cookie_sessions=engines.cookie_sessions,
            envelope=engines.envelope,
            clock=clock,
            entropy=engines.entropy,
            scheme=scheme,
            lifetime=timedelta(seconds=settings.session.absolute_lifetime),
            on_replaced=cookies.moved,
            wants_email=lambda: table().wants_email,
        ),
        sign_out=sign_out,
        issuer=settings.idp.issuer,
        support=settings.support,
    )
    return StepUpPages(pages.app())
