"""A request that may pass, as it goes on to its upstream: who asks, where from, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from config.problem import Problem
from gateway.admission import only_reads
from gateway.callers.caller import Caller
from gateway.decision.live_check import LiveCheck
from gateway.decision.live_connections import Standing
from gateway.exchange import ClientCertificate, Forward, LiveConnection, RequestHead
from gateway.header import Header
from gateway.inbound.manner import is_navigation
from gateway.injection.page_script import ASK_PLAIN, NOT_ASKED, PageScript
from gateway.routes.route_table import Route, RouteTable
from gateway.upstream_assertion import UpstreamAssertion, with_elevated
from gateway.vouching.identity_headers import identity_headers
from gateway.vouching.told import AS_EVER, narrowed
from gateway.vouching.upstream_tokens import UPSTREAM_TOKEN_AWAY, UpstreamTokens
from policy.request import Elevated

_STOPS_HERE = frozenset((b"authorization", b"dpop"))


class _Asked(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a request while its exchange lives on, or is repeated."""

    method: bytes
    path: bytes
    client: str
    reads: bool
    certificate: ClientCertificate | None

    @classmethod
    def of(cls, head: RequestHead) -> _Asked:
        """Without the request itself, whose notes may hold the verdict."""
        return cls(head.method, head.path, head.client, only_reads(head), head.certificate)


class Onward:
    """Makes `Forward`s. What of them is the same for all requests of a host is made once."""

    def __init__(self, *, scheme: bytes, assertion: UpstreamAssertion, live: LiveCheck, tokens: UpstreamTokens) -> None:
        self._scheme = scheme
        self._assertion = assertion
        self._live = live
        self._tokens = tokens
        self._stops = self._stops_before_pages = _STOPS_HERE
        self._hosts: dict[str, tuple[Header, Header, PageScript]] = {}

    def use_table(self, table: RouteTable) -> None:
        """Other hosts may be there now, and other fields that clients may not send."""
        self._stops = _STOPS_HERE | table.identity_names
        self._stops_before_pages = self._stops | NOT_ASKED
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
        elevations: tuple[Elevated, ...] = (),
        risk: int = 0,
    ) -> Forward:
        """`cookie`: what of the Cookie header is not the gateway's own; `now` is epoch seconds; `elevations`: what the
        caller holds for a time; `risk`: what the decision found.

        Raises `Problem` where the upstream wants a token that is not at hand.
        """
        proto, host, script = self._hosts[route.authority]
        address = (b"x-forwarded-for", head.client.encode("ascii"))
        add: tuple[Header, ...]
        if route.told is AS_EVER:
            add = (self._assertion.header(caller, route, obligations, now, elevations, risk), address, proto, host)
        else:
            add = (*self._who(route, caller, obligations, now, elevations, risk), address, proto, host)
        told = route.session_script and head.method == b"GET" and is_navigation(head)
        return Forward(
            upstream=route.upstream,
            add=(*add, ASK_PLAIN) if told else add,
            drop=self._stops_before_pages if told else self._stops,
            cookie=cookie,
            opened=partial(self._opened, caller, route, _Asked.of(head), browser, obligations, elevations),
            closed=self._live.closed,
            rewrite=script if told else None,
            body=route.body,
        )

    def _who(
        self,
        route: Route,
        caller: Caller | None,
        obligations: tuple[str, ...],
        now: float,
        elevations: tuple[Elevated, ...],
        risk: int,
    ) -> Iterator[Header]:
        """All by which an upstream of wishes of its own is told who asks."""
        told = route.told
        if told.assertion:
            yield self._assertion.header(caller, route, obligations, now, elevations, risk)
        if caller is None:
            return
        roles = with_elevated(caller.identity.roles, elevations) if elevations else None
        yield from identity_headers(caller, told, roles)
        if told.token is not None:
            wanted = narrowed(told.token, caller.identity.scope, obligations) if obligations else told.token
            if (header := self._tokens.find(caller, wanted, now)) is None:
                raise Problem(UPSTREAM_TOKEN_AWAY)
            yield header

    def _opened(
        self,
        caller: Caller | None,
        route: Route,
        asked: _Asked,
        browser: str,
        obligations: tuple[str, ...],
        elevations: tuple[Elevated, ...],
        connection: LiveConnection,
    ) -> None:
        by_token = caller is not None and caller.cookie is None
        standing = Standing(
            caller,
            route,
            asked.method,
            asked.path,
            asked.client,
            browser,
            obligations,
            asked.reads,
            by_token,
            asked.certificate,
            elevations,
        )
        self._live.opened(standing, connection)
