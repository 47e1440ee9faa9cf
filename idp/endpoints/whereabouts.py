"""Where a request comes from: the client's address, behind a balancer that is trusted, and its place and network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from config.client_address import ClientAddresses, normal_address
from config.places import Places

THIS_MACHINE = "127.0.0.1"
"""Whose address stands for a peer that has none: one on a unix socket."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a request comes from."""

    ip: str
    place: str
    """A code (`config.places`)."""
    network: str


class FromWhere:
    """Puts the client's own address in the place of the balancer's, as `request.client`, for all that follows."""

    def __init__(self, app: ASGIApp, *, addresses: ClientAddresses, places: Places) -> None:
        self._app = app
        self._addresses = addresses
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(self.placed(scope) if scope["type"] == "http" else scope, receive, send)

    def placed(self, scope: Scope) -> Scope:
        """The scope of a request, from where it truly comes."""
        peer = scope["client"][0] if scope.get("client") else ""
        if self._addresses.trusts(peer):
            scope = {**scope, "client": (self._addresses.forwarded(peer, _forwarded_for(scope)), 0)}
        scope.setdefault("state", {})["places"] = self._places
        return scope


def whereabouts(request: Request) -> Whereabouts:
    """Where this request comes from."""
    ip = client_ip(request)
    places: Places = request.scope["state"]["places"]
    found = places.find(ip)
    return Whereabouts(ip, found.code, found.network)


def client_ip(request: Request) -> str:
    """The address at the other end as PostgreSQL has it; over a unix socket, this machine's.

    An IPv4 address in the form of IPv6 is the IPv4 address; the interface of a link-local one is left out.
    """
    host = request.client.host if request.client is not None else ""
    address = normal_address(host)
    return str(address) if address is not None else THIS_MACHINE


def _forwarded_for(scope: Scope) -> Sequence[bytes]:
    return [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
