"""The registrar of clients, for every composition root that has one: `/register`, the API, the command line."""

from __future__ import annotations

from datetime import timedelta

from config.clock import Clock
from config.entropy import Entropy
from config.outbound import Outbound
from config.settings import Settings
from idp.clients.client import ACCOUNT
from idp.clients.registrar import Registrar
from idp.clients.sector import Sectors
from idp.resources.only_described import OnlyDescribed
from idp.sessions.machine_sessions import MachineSessions
from idp.storage import client_register, machine_sessions, resource_servers


def registrar(settings: Settings, clock: Clock, entropy: Entropy) -> Registrar:
    """Acts upon clients."""
    lifetime = timedelta(seconds=settings.session.absolute_lifetime)
    machines = MachineSessions(machine_sessions, clock, entropy, absolute_lifetime=lifetime)
    allowed = OnlyDescribed(resource_servers) if settings.idp.require_described_resources else None
    return Registrar(client_register, Sectors(Outbound.of(settings).fetch), machines, entropy, allowed)


def own_clients(settings: Settings) -> frozenset[str]:
    """Clients that are parts of the house: nobody takes them away by mistake."""
    return frozenset({settings.gateway.client_id, ACCOUNT})
