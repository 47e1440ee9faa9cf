"""The steps that every request takes, in order: route, credential, session, facts, decision, enforcement, assertion.

The warm way is synchronous: everything it needs is in memory. Whatever is missing is a miss, and only a miss awaits.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace

import structlog

from audit.segments import AuditUnavailable
from config.clock import Clock
from config.problem import Problem
from gateway.admission import check_form, without_lease
from gateway.assertion_keys import PATH as ASSERTION_KEYS
from gateway.assertion_keys import AssertionKeys
from gateway.callers.caller import Caller
from gateway.callers.cookie_check import CookieCheck
from gateway.callers.key_check import KeyCheck, Unproven
from gateway.callers.mark import person_mark
from gateway.callers.token_check import TokenCheck
from gateway.decision import enforcement, token_scopes
from gateway.decision.decision_log import DecisionLog
from gateway.decision.judge import Judge
from gateway.decision.live_check import LiveCheck
from gateway.decision.shadowing import Shadowing
from gateway.exchange import OwnPage, RequestHead, Verdict
from gateway.inbound.browser import browser_of
from gateway.inbound.credentials import Credentials, read_credentials
from gateway.inbound.manner import SAFE_METHODS, is_act, is_navigation
from gateway.limits.limiting import Limiting
from gateway.onward import Onward
from gateway.passed import REPEATS, Passed, keep, passed_before
from gateway.relying_party.provider import Provider
from gateway.relying_party.refresh import Refreshed, TokenRefresh
from gateway.resource_metadata import PATH as RESOURCE_METADATA
from gateway.resource_metadata import ResourceMetadata
from gateway.routes.route_table import OWN_PAGES, Mode, Route, RouteTable
from gateway.sessions.activity import Activity
from gateway.sessions.near_cache import EndedSession, LiveSession
from gateway.sessions.session_check import SessionCheck, StoreUnreachable
from gateway.step_up.demand import joined, unmet
from gateway.upstream_assertion import UpstreamAssertion
from gateway.vouching.told import WantedToken, narrowed
from gateway.vouching.upstream_tokens import UpstreamTokens
from jose.jws import InvalidToken, Refusal
from policy.decision import Decision, Effect

_log = structlog.get_logger(__name__)
_OWN_PREFIX = OWN_PAGES + b"/"


class Pipeline:
    """Answers the data path. Routes and policy are swapped as a whole while it runs."""

    def __init__(
        self,
        *,
        clock: Clock,
        table: RouteTable,
        scheme: str,
        tokens: TokenCheck,
        cookies: CookieCheck,
        refresh: TokenRefresh,
        provider: Provider,
        sessions: SessionCheck,
        assertion: UpstreamAssertion,
        upstream_tokens: UpstreamTokens,
        live: LiveCheck,
        activity: Activity,
        log: DecisionLog,
        judge: Judge,
        idle_timeout: float,
        keys: KeyCheck,
        metadata: ResourceMetadata,
        limiting: Limiting,
        assertion_keys: AssertionKeys,
    ) -> None:
        """`idle_timeout`: seconds after a person's last act."""
        self._clock = clock
        self._scheme = scheme.encode()
        self._tokens = tokens
        self._cookies = cookies
        self._refresh = refresh
        self._provider = provider
        self._sessions = sessions
        self._onward = Onward(scheme=self._scheme, assertion=assertion, live=live, tokens=upstream_tokens)
        self._upstream_tokens = upstream_tokens
        self._live = live
        self._activity = activity
        self._log = log
        self._judge = judge
        self._idle_timeout = idle_timeout
        self._keys = keys
        self._metadata = metadata
        self._limiting = limiting
        self._assertion_keys = assertion_keys
        self.shadowing: Shadowing | None = None
        """What is told of each answer by policy, beside the way; None: nothing is."""
        self.use_table(table)

    def use_table(self, table: RouteTable) -> None:
        """Swap the routes and the named networks."""
        self.table = self._live.table = table
        self._judge.use_networks(table.networks)
        self._onward.use_table(table)
        self._limiting.use_table(table)
        for caller in self._cookies.known():
            caller.facts.clear()
        self._tokens.forget_all()

    def __call__(self, head: RequestHead) -> Verdict | Awaitable[Verdict]:
        now = self._clock.timestamp()
        if (passed := passed_before(head)) is not None and (session := self._still_passes(passed, now)) is not None:
            return self._pass_again(head, passed, session, now)
        if head.path.startswith(_OWN_PREFIX) or head.path == OWN_PAGES:
            return self._own_page(head)
        if head.path == RESOURCE_METADATA and head.method == b"GET":
            return self._resource_metadata(head)
        route = self.table.find(head.host, head.path)
        if route is None:
            return enforcement.problem(enforcement.UNKNOWN_ADDRESS, head)
        head.route = route
        limiting = self._limiting
        if (route.rates or limiting.alert) and (shed := limiting.before(head, route)) is not None:
            return shed
        shown = _shown(head, route)
        if (refused := check_form(head, route, shown, self._scheme)) is not None:
            return refused
        if shown.bearer is not None:
            try:
                caller = self._tokens.find(shown.bearer_sha256, now, route.authority) or self._verified(
                    shown, route, now
                )
            except InvalidToken:
                return enforcement.refuse_token(head)
        elif shown.cookie is not None:
            caller = self._cookies.find(shown.cookie, now)
        else:
            return self._nobody(head, route, shown, now)
        if caller is None or caller.identity.confirmation or shown.by_dpop:
            return self._miss(head, route, shown)
        session = self._sessions.warm(caller.identity.sid, now)
        if session is None or (now >= caller.identity.expires_at and not self._expired_is_taken(caller, route, now)):
            return self._miss(head, route, shown)
        if route.told.token is not None and not self._upstream_token_is_known(head, route, caller, now):
            return self._miss(head, route, shown)
        self._sessions.hits += 1
        return self._decide(head, route, shown, caller, session, now)

    def _still_passes(self, passed: Passed, now: float) -> LiveSession | None:
        """The session of a request that may pass again as it did; None: every step must be taken anew."""
        caller, shown = passed.caller, passed.shown
        identity = caller.identity
        if (
            passed.table is not self.table
            or identity is not passed.identity
            or not passed.since <= now < passed.until
            or not self._judge.stands(passed.decided, identity.sid, now)
        ):
            return None
        if shown.bearer is not None:
            if not self._tokens.knows(shown.bearer_sha256, caller):
                return None
        elif self._cookies.find(shown.cookie or b"", now) is not caller:
            return None
        session = self._sessions.warm(identity.sid, now)
        if session is None or (session.revoked and session.refuses(identity.jti, identity.grant)):
            return None
        return session

    def _pass_again(self, head: RequestHead, passed: Passed, session: LiveSession, now: float) -> Verdict:
        """What must be done for each request, however often it was asked before."""
        caller, route, decided = passed.caller, passed.route, passed.decided
        head.route = route
        if self._limiting.alert and (shed := self._limiting.before(head, route)) is not None:
            return shed
        self._sessions.hits += 1
        head.caller, head.effect = caller, decided.decision.effect
        caller.used_at = now
        overdue = self._sessions.overdue()
        if overdue is not None and (refused := without_lease(head, route, overdue)) is not None:
            return refused
        try:
            self._log.again(decided, now, head.correlation_id, self._sessions.age)
        except AuditUnavailable:
            return enforcement.refuse(enforcement.NOT_RECORDED, head)
        if self.shadowing is not None:
            method, path = head.method.decode("ascii"), head.path.decode("ascii")
            self.shadowing.saw(decided, route.zone.name, method, path, head.correlation_id)
        if passed.acts:
            self._touch(session, now)
        return passed.forward

    def _verified(self, shown: Credentials, route: Route, now: float) -> Caller | None:
        """The caller of a token that is seen for the first time; None: its key must be asked for.

        Raises `InvalidToken`.
        """
        assert shown.bearer is not None
        try:
            return self._tokens.verify(shown.bearer, now, route.authority)
        except InvalidToken as error:
            if error.refusal is not Refusal.UNKNOWN_KEY:
                raise
            return None

    def _own_page(self, head: RequestHead) -> Verdict:
        authority = self.table.authorities.get(head.host)
        if authority is None:
            return enforcement.problem(enforcement.UNKNOWN_ADDRESS, head)
        if head.path == ASSERTION_KEYS and head.method in SAFE_METHODS:
            return self._assertion_keys.answer(head)
        return OwnPage({"correlation_id": head.correlation_id, "authority": authority})

    def _resource_metadata(self, head: RequestHead) -> Verdict | Awaitable[Verdict]:
        authority = self.table.authorities.get(head.host)
        if authority is None:
            return enforcement.problem(enforcement.UNKNOWN_ADDRESS, head)
        return self._metadata.document(authority)

    def _nobody(self, head: RequestHead, route: Route, shown: Credentials, now: float) -> Verdict:
        if not route.public:
            return enforcement.ask_to_sign_in(head, api=route.mode is Mode.API)
        return self._decide(head, route, shown, None, None, now)

    def _ended(self, head: RequestHead, route: Route, shown: Credentials) -> Verdict:
        """A person is told by the page they go to; what a page loads from a public route needs nobody."""
        if route.public and shown.bearer is None and not is_navigation(head):
            return self._nobody(head, route, shown, self._clock.timestamp())
        return enforcement.tell_ended(head, by_token=shown.bearer is not None)

    async def _miss(self, head: RequestHead, route: Route, shown: Credentials) -> Verdict:
        """The same steps, each of which may ask a store or the identity provider."""
        try:
            caller = await self._find_caller(shown, head.client, route.authority)
            if isinstance(caller, EndedSession):
                return self._ended(head, route, shown)
            if caller is None:
                return self._nobody(head, route, shown, self._clock.timestamp())
            session = await self._sessions.state(caller.identity.sid)
            if isinstance(session, LiveSession):
                if (refused := await self._unready(head, route, shown, caller)) is not None:
                    return refused
                session = await self._sessions.state(caller.identity.sid)  # it may have ended meanwhile (S4)
            if isinstance(session, EndedSession):
                return self._ended(head, route, shown)
            if session is None:
                return enforcement.refuse(enforcement.SESSION_UNKNOWN, head)
            return self._decide(head, route, shown, caller, session, self._clock.timestamp())
        except InvalidToken:
            return enforcement.refuse_token(head)
        except Unproven as error:
            return enforcement.refuse_key(head, error.error, by_dpop=error.by_dpop, nonce=error.nonce)
        except StoreUnreachable as error:
            _log.warning("store_unreachable", private=str(error), correlation_id=head.correlation_id)
            return enforcement.refuse(enforcement.SESSION_UNKNOWN, head)
        except Problem as error:
            return enforcement.refuse(error.kind, head)

    async def _unready(self, head: RequestHead, route: Route, shown: Credentials, caller: Caller) -> Verdict | None:
        """Why a caller may not go on: their token is over, or its key is not proven. None: they may.

        Raises `Unproven`, `StoreUnreachable`.
        """
        if self._clock.timestamp() >= caller.identity.expires_at:
            if caller.cookie is None:
                return enforcement.refuse_token(head)
            refreshed = await self._refresh.refresh(caller)
            if refreshed is Refreshed.ENDED:
                return self._ended(head, route, shown)
            if refreshed is Refreshed.AWAY and not self._expired_is_taken(caller, route, self._clock.timestamp()):
                return enforcement.refuse(enforcement.SESSION_UNKNOWN, head)
        if shown.by_dpop or (caller.cookie is None and caller.identity.confirmation):
            await self._keys.require(head, route, shown, dict(caller.identity.confirmation))
        if route.told.token is not None:
            wanted = self._wanted_token(head, route, caller, self._clock.timestamp())
            if wanted is not None:
                await self._upstream_tokens.obtain(caller, wanted, shown.bearer)
        return None

    def _wanted_token(self, head: RequestHead, route: Route, caller: Caller, now: float) -> WantedToken | None:
        """The token that the upstream wants, as far as the decision leaves it; None: nothing is exchanged for a request
        that is refused as things are."""
        assert route.told.token is not None
        method, path = head.method.decode("ascii"), head.path.decode("ascii")
        browser = _browser(head) if caller.identity.session_browser else ""
        decision = self._judge.decide(caller, route, method, path, head.client, browser, now, head.certificate).decision
        if decision.effect is not Effect.ALLOW and decision.effect is not Effect.REDUCE:
            return None
        if route.scopes and caller.cookie is None and token_scopes.unmet(route, caller.identity, method):
            return None
        return narrowed(route.told.token, caller.identity.scope, decision.obligations)

    def _upstream_token_is_known(self, head: RequestHead, route: Route, caller: Caller, now: float) -> bool:
        wanted = self._wanted_token(head, route, caller, now)
        return wanted is None or self._upstream_tokens.find(caller, wanted, now) is not None

    async def _find_caller(self, shown: Credentials, address: str, authority: str) -> Caller | EndedSession | None:
        now = self._clock.timestamp()
        if shown.bearer is None:
            assert shown.cookie is not None
            return self._cookies.find(shown.cookie, now) or await self._cookies.load(shown.cookie, address)
        caller = self._tokens.find(shown.bearer_sha256, now, authority)
        if caller is not None:
            return caller
        try:
            return self._tokens.verify(shown.bearer, now, authority)
        except InvalidToken as error:
            if error.refusal is not Refusal.UNKNOWN_KEY or not await self._provider.fetch():
                raise
        return self._tokens.verify(shown.bearer, now, authority)

    def _expired_is_taken(self, caller: Caller, route: Route, now: float) -> bool:
        """The identity provider is away, and the zone takes the last token of a living session for so long (S9)."""
        return now < caller.refresh_again_at and now < caller.identity.expires_at + route.zone.expired_tokens

    def _decide(
        self,
        head: RequestHead,
        route: Route,
        shown: Credentials,
        caller: Caller | None,
        session: LiveSession | None,
        now: float,
    ) -> Verdict:
        staleness = None
        if caller is not None:
            identity = caller.identity
            if session is not None and session.revoked and session.refuses(identity.jti, identity.grant):
                return enforcement.refuse_token(head)
            caller.used_at = now
            overdue = self._sessions.overdue()
            if overdue is not None and (refused := without_lease(head, route, overdue)) is not None:
                return refused
            staleness = self._sessions.age
        method = head.method.decode("ascii")
        path = head.path.decode("ascii")
        browser = _browser(head) if caller is not None and caller.identity.session_browser else ""
        decided = judged = self._judge.decide(caller, route, method, path, head.client, browser, now, head.certificate)
        if route.step_up and (asked := unmet(route, caller, method, path, now)) is not None:
            decided = joined(decided, asked)
        if route.scopes and shown.bearer is not None and caller is not None:
            wanted = token_scopes.unmet(route, caller.identity, method)
            decided = token_scopes.joined(decided, wanted) if wanted else decided
        decision = decided.decision
        passes = decision.effect is Effect.ALLOW or decision.effect is Effect.REDUCE
        exceeded = None
        if passes and (route.rates or decision.obligations):
            exceeded = self._limiting.after(head, route, caller, decision.obligations)
        head.caller, head.effect = caller, decision.effect
        try:
            self._log.write(
                decided,
                at=now,
                correlation_id=head.correlation_id,
                method=method,
                path=path,
                route=route,
                address=head.client,
                caller=caller,
                staleness=staleness,
                limited="" if exceeded is None else exceeded.name,
            )
        except AuditUnavailable:
            return enforcement.refuse(enforcement.NOT_RECORDED, head)
        if self.shadowing is not None:
            self.shadowing.saw(judged, route.zone.name, method, path, head.correlation_id)
        acts = session is not None and (route.act or (shown.cookie is not None and is_act(head)))
        if session is not None and acts:
            self._touch(session, now)
        if exceeded is not None:
            return self._limiting.refuse(head, exceeded)
        if not passes:
            if decision.reasons == token_scopes.WHY:
                return token_scopes.refuse(head, decided.scopes, by_dpop=shown.by_dpop)
            return enforcement.enforce(
                decision,
                head,
                signed_in=caller is not None,
                api=route.mode is Mode.API,
                by_token=shown.bearer is not None,
                mark="" if caller is None else person_mark(route.authority, caller.identity.subject.id),
            )
        forward = self._onward.forward(
            head,
            route,
            caller,
            cookie=shown.other_cookies,
            browser=browser,
            obligations=decision.obligations,
            now=now,
            elevations=decision.elevations,
            risk=decision.risk,
        )
        if (
            caller is not None
            and _repeats(route, decision, now)
            and not (shown.by_dpop or caller.identity.confirmation)
        ):
            until = min(now + REPEATS, caller.identity.expires_at)
            passed = Passed(self.table, route, shown, caller, caller.identity, decided, acts, forward, now, until)
            keep(head, passed)
        return forward

    def _touch(self, session: LiveSession, now: float) -> None:
        self._activity.touch(session.sid, now, expires_at=session.expires_at)
        self._sessions.cache.touch(session.sid, now, self._idle_timeout)


def _repeats(route: Route, decision: Decision, now: float) -> bool:
    """Whether the next one like it may pass by what this one found: nothing is counted, and nothing demanded but by the
    decision, which stands."""
    counted = route.rates or decision.obligations or decision.elevations
    return not (counted or route.step_up or route.told.token is not None) and decision.stands_until > now


def _browser(head: RequestHead) -> str:
    """Which browser sent it, read once of header fields that repeat."""
    found: str | None = head.notes.get("browser")
    if found is None:
        found = head.notes["browser"] = browser_of((head.get(b"user-agent") or b"").decode("latin-1"))
    return found


def _shown(head: RequestHead, route: Route) -> Credentials:
    """The credentials of a request, read once of header fields that repeat. An API route does not look at cookies."""
    shown: Credentials | None = head.notes.get("credentials")
    if shown is None:
        shown = head.notes["credentials"] = read_credentials(head.headers)
    if route.mode is Mode.API and shown.cookie is not None:
        return replace(shown, cookie=None)
    return shown
