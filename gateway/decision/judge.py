"""Facts, the compiled policy and what stands above it -> a decision, for requests that come and for connections that
live on."""

from __future__ import annotations

from collections.abc import Mapping

from config.places import Places
from gateway.callers.caller import Caller, Decided
from gateway.decision.facts import FactsFinder
from gateway.decision.risk_memory import RiskMemory
from gateway.exchange import ClientCertificate
from gateway.routes.route_table import Network, Route
from policy.decide import decide
from policy.overlay.overlay import NOTHING, Overlay
from policy.overlay.ranges import Listed
from policy.request import AccessRequest, Subject
from policy.snapshot import NONE, Snapshot

_ANYBODY = Subject()

DECISIONS_KEPT = 256
"""Decisions remembered of one credential; whoever asks for more is decided anew, and grows nothing."""
PATH_KEPT = 256
"""Characters of a path beyond which its decision is not remembered."""


class _Law:
    """All that decisions follow but for who asks."""

    __slots__ = ("facts", "mark", "overlay", "snapshot")

    def __init__(self, snapshot: Snapshot, overlay: Overlay, facts: FactsFinder) -> None:
        self.snapshot = snapshot
        self.overlay = overlay
        self.facts = facts
        self.mark = object()
        """What decisions know it by: one object, so that the warm way compares one, and it holds nothing."""


class Judge:
    """The policy as it is now: whatever it decides by is swapped as a whole; before the first snapshot there is none,
    and all is denied."""

    def __init__(
        self, networks: tuple[tuple[Network, str], ...], places: Places, *, overlay: Overlay = NOTHING
    ) -> None:
        self._networks = networks
        self._places = places
        self._feeds: Mapping[str, Listed | None] | None = None
        self.memory = RiskMemory()
        """What was odd about sessions lately."""
        self._law = _Law(NONE, overlay, FactsFinder(networks, places, self.memory))

    @property
    def snapshot(self) -> Snapshot:
        """The compiled policy."""
        return self._law.snapshot

    @snapshot.setter
    def snapshot(self, snapshot: Snapshot) -> None:
        self._law = _Law(snapshot, self._law.overlay, self._law.facts)

    @property
    def overlay(self) -> Overlay:
        """What stands above it."""
        return self._law.overlay

    @overlay.setter
    def overlay(self, overlay: Overlay) -> None:
        self._law = _Law(self._law.snapshot, overlay, self._law.facts)

    @property
    def facts(self) -> FactsFinder:
        """What is known of where requests come from."""
        return self._law.facts

    def use_networks(self, networks: tuple[tuple[Network, str], ...]) -> None:
        """Swap the named networks."""
        self._networks = networks
        self._find_facts_anew()

    def use_feeds(self, feeds: Mapping[str, Listed | None] | None) -> None:
        """Swap the lists of the threat feeds; None: there is none that could say."""
        self._feeds = feeds
        self._find_facts_anew()

    def _find_facts_anew(self) -> None:
        facts = FactsFinder(self._networks, self._places, self.memory, self._feeds)
        self._law = _Law(self._law.snapshot, self._law.overlay, facts)

    def stands(self, decided: Decided, sid: str, now: float) -> bool:
        """Whether a caller's decision is what `decide` would answer to the same question of the same identity."""
        return (
            decided.law is self._law.mark
            and decided.since <= now < decided.decision.stands_until
            and (not self.memory.peaks or decided.facts.risk_peaks is self.memory.of(sid))
        )

    def decide(
        self,
        caller: Caller | None,
        route: Route,
        method: str,
        path: str,
        address: str,
        browser: str,
        now: float,
        certificate: ClientCertificate | None = None,
    ) -> Decided:
        """Decide one request. `now` is epoch seconds.

        The same question gets the answer that stands: as long as the subject and all that it was decided by are the
        very same objects, and until the decision's own time is over.
        """
        law = self._law
        if caller is None:
            subject, facts = _ANYBODY, law.facts.anonymous(address, certificate)
            request = AccessRequest(subject, facts, route.zone.name, method, path, now)
            return Decided(decide(request, law.snapshot, law.overlay), now, facts, subject, law=law.mark)
        subject = caller.identity.subject
        question = (
            route.authority,
            method,
            path,
            address,
            browser,
            "" if certificate is None else certificate.thumbprint,
        )
        standing = caller.standing.get(question)
        if standing is not None and standing.subject is subject and self.stands(standing, caller.identity.sid, now):
            return standing
        facts = law.facts.find(caller, address, browser, certificate)
        request = AccessRequest(subject, facts, route.zone.name, method, path, now)
        decision = decide(request, law.snapshot, law.overlay)
        risk = decision.risk
        if decision.measures:  # what a measure added is over as soon as it is lifted
            risk -= sum(measure.points for measure in decision.measures)
        if risk >= law.snapshot.remembers:
            self.memory.note(caller.identity.sid, risk, now)
        decided = Decided(decision, now, facts, subject, law=law.mark)
        if decision.stands_until > now and len(path) <= PATH_KEPT:
            if len(caller.standing) >= DECISIONS_KEPT:
                caller.standing.clear()
            caller.standing[question] = decided
        return decided
