"""What the decision may know of where a request comes from, computed once per credential and client address."""

from __future__ import annotations

import ipaddress

from gateway.callers.caller import Caller
from gateway.routes.route_table import Network
from policy.request import Facts

ADDRESSES_KEPT = 16
"""Client addresses remembered of one credential; a caller with more is computed again and again, and grows nothing."""


class FactsFinder:
    """Finds facts; made anew when the named networks change."""

    def __init__(self, networks: tuple[tuple[Network, str], ...]) -> None:
        self._networks = networks

    def find(self, caller: Caller, address: str) -> Facts:
        """The facts of one request of a known caller."""
        facts = caller.facts.get(address)
        if facts is None:
            identity = caller.identity
            facts = Facts(
                device_trust=identity.device_trust,
                device_id=identity.device_id,
                network=self.network(address),
                address=address,
                session_device=identity.device_id,
                session_address=identity.session_address,
            )
            if len(caller.facts) >= ADDRESSES_KEPT:
                caller.facts.clear()
            caller.facts[address] = facts
        return facts

    def anonymous(self, address: str) -> Facts:
        """The facts of a request that shows no credential."""
        return Facts(network=self.network(address), address=address)

    def network(self, address: str) -> str:
        """The name of the narrowest named network that holds an address; empty where none does."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return ""
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        for network, name in self._networks:
            if parsed.version == network.version and parsed in network:
                return name
        return ""
