"""What the decision may know of where a request comes from: computed once per credential, address and browser."""

from __future__ import annotations

import ipaddress

from config.places import Places
from gateway.callers.caller import Caller
from gateway.decision.risk_memory import RiskMemory
from gateway.exchange import ClientCertificate
from gateway.routes.route_table import Network
from policy.request import DeviceTrust, Facts

FACTS_KEPT = 16
"""Addresses and browsers remembered of one credential; a caller with more is computed anew, and grows nothing."""
STRANGERS_KEPT = 4096
"""Addresses remembered of requests that show no credential."""
_NO_BROWSER = "no browser"


class FactsFinder:
    """Finds facts; made anew when the named networks change."""

    def __init__(self, networks: tuple[tuple[Network, str], ...], places: Places, memory: RiskMemory) -> None:
        self._networks = networks
        self._places = places
        self._memory = memory
        self._anonymous: dict[tuple[str, str], Facts] = {}

    def find(self, caller: Caller, address: str, browser: str, certificate: ClientCertificate | None = None) -> Facts:
        """The facts of one request of a known caller. `browser`: what `gateway.inbound.browser` says of it."""
        key = address, browser, "" if certificate is None else certificate.thumbprint
        facts = caller.facts.get(key)
        if facts is None or (self._memory.peaks and facts.risk_peaks is not self._memory.of(caller.identity.sid)):
            facts = self._facts(caller, address, browser, certificate)
            if len(caller.facts) >= FACTS_KEPT:
                caller.facts.clear()
            caller.facts[key] = facts
        return facts

    def _facts(self, caller: Caller, address: str, browser: str, certificate: ClientCertificate | None) -> Facts:
        identity = caller.identity
        device, trust = identity.device_id, identity.device_trust
        if identity.session_browser and browser != identity.session_browser:
            # the cookie was carried to another browser: what is known of the session's device is not known of this one
            device, trust = browser or _NO_BROWSER, DeviceTrust.UNKNOWN
        return Facts(
            device_trust=trust,
            device_id=device,
            country=self.country(address),
            network=self.network(address),
            address=address,
            session_device=identity.device_id,
            session_country=self.country(identity.session_address),
            session_address=identity.session_address,
            actor=identity.actors[0] if identity.actors else "",
            certificate="" if certificate is None else certificate.thumbprint,
            certificate_name="" if certificate is None else certificate.name,
            risk_peaks=self._memory.of(identity.sid),
        )

    def anonymous(self, address: str, certificate: ClientCertificate | None = None) -> Facts:
        """The facts of a request that shows no credential, but maybe a certificate."""
        key = address, "" if certificate is None else certificate.thumbprint
        facts = self._anonymous.get(key)
        if facts is None:
            facts = Facts(
                country=self.country(address),
                network=self.network(address),
                address=address,
                certificate=key[1],
                certificate_name="" if certificate is None else certificate.name,
            )
            if len(self._anonymous) >= STRANGERS_KEPT:
                self._anonymous.clear()
            self._anonymous[key] = facts
        return facts

    def country(self, address: str) -> str:
        """ISO 3166-1 alpha-2; empty where it is not known, or where the address belongs to no country."""
        code = self._places.find(address).code
        return code if len(code) == 2 else ""

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
