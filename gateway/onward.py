"""A request that may pass, as it goes on to its upstream: who asks, where from, and what becomes of the answer."""

from __future__ import annotations

from functools import partial

from gateway.admission import only_reads
from gateway.callers.caller import Caller
from gateway.decision.live_check import LiveCheck
from gateway.decision.live_connections import Standing
from gateway.exchange import Forward, Header, LiveConnection, RequestHead
from gateway.inbound.manner import is_navigation
from gateway.injection.page_script import ASK_PLAIN, NOT_ASKED, PageScript
from gateway.routes.route_table import Route, RouteTable
from gateway.upstream_assertion import UpstreamAssertion

_STOPS_HERE = frozenset((b"authorization", b"dpop"))
_STOPS_BEFORE_PAGES = _STOPS_HERE | NOT_ASKED


class Onward:
    """Makes `Forward`s. What of them is the same for all requests of a host is made once."""

    def __init__(self, *, scheme: bytes, assertion: UpstreamAssertion, live: LiveCheck) -> None:
        self._scheme = scheme
        self._assertion = assertion
        self._live = live
        self._hosts: dict[str, tuple[Header, Header, PageScript]] = {}

    def use_table(self, table: RouteTable) -> None:
        """Other hosts may be there now."""
        self._hosts = {authority: self._host(authority.encode()) for authority in table.authorities.values()}

    def _host(self, authority: bytes) -> tuple[Header, Header, PageScript]:
        return (
            (b"x-forwarded-proto", self._scheme),
            (b"x-forwarded-host", authority),
            PageScript(self._scheme + b"://" + authority),
        )

    def forward(
        self,
        head: RequestHead,
        route: Route,
        caller: Caller | None,
        *,
        cookie: bytes | None,
        browser: str,
        obligations: tuple[str, ...],
        now: float,
    ) -> Forward:
        """`cookie`: what of the Cookie header is not the gateway's own; `now` is epoch seconds."""
        proto, host, script = self._hosts[route.authority]
        assertion = self._assertion.header(caller, route, obligations, now)
        address = (b"x-forwarded-for", head.client.encode("ascii"))
        told = route.session_script and head.method == b"GET" and is_navigation(head)
        return Forward(
            upstream=route.upstream,
            add=(assertion, address, proto, host, ASK_PLAIN) if told else (assertion, address, proto, host),
            drop=_STOPS_BEFORE_PAGES if told else _STOPS_HERE,
            cookie=cookie,
            opened=partial(self._opened, caller, route, head, browser, obligations),
            closed=self._live.closed,
            rewrite=script if told else None,
            body=route.body,
        )

    def _opened(
        self,
        caller: Caller | None,
        route: Route,
        head: RequestHead,
        browser: str,
        obligations: tuple[str, ...],
        connection: LiveConnection,
    ) -> None:
        by_token = caller is not None and caller.cookie is None
        standing = Standing(
            caller,
            route,
            head.method,
            head.path,
            head.client,
            browser,
            obligations,
            only_reads(head),
            by_token,
            head.certificate,
        )
        self._live.opened(standing, connection)
