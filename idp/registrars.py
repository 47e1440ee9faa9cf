"""The registrar of clients, for every composition root that has one: `/register`, the API, the command line."""

from __future__ import annotations

from config.entropy import Entropy
from config.settings import Settings
from idp.clients.client import ACCOUNT
from idp.clients.registrar import Registrar
from idp.clients.sector import Sectors, open_outbound
from idp.storage import client_register


def registrar(entropy: Entropy) -> Registrar:
    """Acts upon clients."""
    return Registrar(client_register, Sectors(open_outbound), entropy)


def own_clients(settings: Settings) -> frozenset[str]:
    """Clients that are parts of the house: nobody takes them away by mistake."""
    return frozenset({settings.gateway.client_id, ACCOUNT})
