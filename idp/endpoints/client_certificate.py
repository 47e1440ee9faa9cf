"""The certificate that a client showed to whoever ended its TLS connection (RFC 9440), where that one is trusted."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from config.client_address import ClientAddresses
from idp.clients.tls_client_auth import LONGEST_CHAIN, ClientCertificate
from idp.protocol.confirmation import LARGEST_CERTIFICATE, read_client_cert

_STATE = "client_certificate"


class FromCertificate:
    """Stands before the client's address takes the place of the proxy's, since it is the proxy that is believed."""

    def __init__(self, app: ASGIApp, *, addresses: ClientAddresses, believed: bool) -> None:
        """`believed`: whether trusted proxies say it at all; one that passes the field on as it came must not be."""
        self._app = app
        self._addresses = addresses
        self._believed = believed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.note(scope)
        await self._app(scope, receive, send)

    def note(self, scope: Scope) -> None:
        """Put the certificate behind a request where `client_certificate` finds it."""
        peer = scope["client"][0] if scope.get("client") else ""
        trusted = self._believed and self._addresses.trusts(peer)
        scope.setdefault("state", {})[_STATE] = _read(scope) if trusted else None


def client_certificate(request: HTTPConnection) -> ClientCertificate | None:
    """The certificate behind a request; None: nobody vouches for one."""
    found: ClientCertificate | None = request.scope.get("state", {}).get(_STATE)
    return found


def _read(scope: Scope) -> ClientCertificate | None:
    values = [value for name, value in scope["headers"] if name == b"client-cert"]
    der = read_client_cert(values[0]) if len(values) == 1 else None
    return ClientCertificate(der, _chain(scope)) if der is not None else None


def _chain(scope: Scope) -> tuple[bytes, ...]:
    """Section 2.3: a list of byte sequences; what cannot be read of it helps nobody, and is left out."""
    lines = b",".join(value for name, value in scope["headers"] if name == b"client-cert-chain")
    if len(lines) > LARGEST_CERTIFICATE * LONGEST_CHAIN:
        return ()
    found = (read_client_cert(item) for item in lines.split(b",")[:LONGEST_CHAIN])
    return tuple(der for der in found if der is not None)
