"""Facts and the compiled policy -> a decision, for requests that come and for connections that live on."""

from __future__ import annotations

from gateway.caller import Caller
from gateway.facts import FactsFinder
from gateway.route_table import Network, Route
from policy.decide import decide
from policy.decision import Decision
from policy.request import AccessRequest, Subject
from policy.snapshot import NONE, Snapshot

_ANYBODY = Subject()


class Judge:
    """The policy as it is now: `snapshot` is swapped as a whole; before the first there is none, and all is denied."""

    def __init__(self, networks: tuple[tuple[Network, str], ...]) -> None:
        self.snapshot: Snapshot = NONE
        self._facts = FactsFinder(networks)

    def use_networks(self, networks: tuple[tuple[Network, str], ...]) -> None:
        """Swap the named networks; facts kept of callers must be dropped, too."""
        self._facts = FactsFinder(networks)

    def decide(self, caller: Caller | None, route: Route, method: str, path: str, address: str, now: float) -> Decision:
        """Decide one request. `now` is epoch seconds."""
        if caller is None:
            subject, facts = _ANYBODY, self._facts.anonymous(address)
        else:
            subject, facts = caller.identity.subject, self._facts.find(caller, address)
        return decide(AccessRequest(subject, facts, route.zone.name, method, path, now), self.snapshot)
