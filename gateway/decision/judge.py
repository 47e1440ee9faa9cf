"""Facts and the compiled policy -> a decision, for requests that come and for connections that live on."""

from __future__ import annotations

from config.places import Places
from gateway.callers.caller import Caller, Decided
from gateway.decision.facts import FactsFinder
from gateway.decision.risk_memory import RiskMemory
from gateway.exchange import ClientCertificate
from gateway.routes.route_table import Network, Route
from policy.decide import decide
from policy.request import AccessRequest, Subject
from policy.snapshot import NONE, Snapshot

_ANYBODY = Subject()

DECISIONS_KEPT = 256
"""Decisions remembered of one credential; whoever asks for more is decided anew, and grows nothing."""
PATH_KEPT = 256
"""Characters of a path beyond which its decision is not remembered."""


class Judge:
    """The policy as it is now: `snapshot` is swapped as a whole; before the first there is none, and all is denied."""

    def __init__(self, networks: tuple[tuple[Network, str], ...], places: Places) -> None:
        self.snapshot: Snapshot = NONE
        self.memory = RiskMemory()
        """What was odd about sessions lately."""
        self._places = places
        self._facts = FactsFinder(networks, places, self.memory)

    def use_networks(self, networks: tuple[tuple[Network, str], ...]) -> None:
        """Swap the named networks; facts kept of callers must be dropped, too."""
        self._facts = FactsFinder(networks, self._places, self.memory)

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

        The same question gets the answer that stands: as long as subject, facts and policy are the very same objects,
        and until the decision's own time is over.
        """
        snapshot = self.snapshot
        if caller is None:
            subject, facts, standing = _ANYBODY, self._facts.anonymous(address, certificate), None
        else:
            subject, facts = caller.identity.subject, self._facts.find(caller, address, browser, certificate)
            standing = caller.standing.get((route.authority, method, path, address, browser, facts.certificate))
        if (
            standing is not None
            and standing.snapshot is snapshot
            and standing.facts is facts
            and standing.subject is subject
            and standing.since <= now < standing.decision.stands_until
        ):
            return standing
        decision = decide(AccessRequest(subject, facts, route.zone.name, method, path, now), snapshot)
        if caller is not None and decision.risk >= snapshot.remembers:
            self.memory.note(caller.identity.sid, decision.risk, now)
        decided = Decided(decision, now, snapshot, facts, subject)
        if caller is not None and decision.stands_until > now and len(path) <= PATH_KEPT:
            if len(caller.standing) >= DECISIONS_KEPT:
                caller.standing.clear()
            caller.standing[route.authority, method, path, address, browser, facts.certificate] = decided
        return decided
