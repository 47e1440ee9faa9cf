"""The client credentials grant (RFC 6749, section 4.4): a program asks for itself, in a session of its own."""

from __future__ import annotations

from datetime import datetime

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidScopeError, UnauthorizedClientError

from config.connections import Transaction
from idp.clients.client import Client
from idp.grants.grant import MachineCredential
from idp.protocol import scopes
from idp.protocol.confirmation import Confirmation
from idp.sessions.machine_sessions import MachineSessions


class ClientCredentials:
    """`Grant` for `client_credentials`."""

    grant_type = "client_credentials"

    def __init__(self, machines: MachineSessions) -> None:
        self._machines = machines

    async def load(
        self, tx: Transaction, form: dict[str, str], client: Client, now: datetime, proven: Confirmation
    ) -> MachineCredential | None:
        """The client's own session. Raises Authlib's `OAuth2Error`."""
        if client.auth_method == "none":
            raise UnauthorizedClientError("a public client proves nothing, so it gets nothing for itself")
        scope = machine_scope(client.scopes, form.get("scope"))
        joined = await self._machines.join(tx, client.client_id, client.proof)
        if joined is None:
            raise InvalidClientError("the client did not prove itself", status_code=401)
        session, began = joined
        return MachineCredential(client_id=client.client_id, session=session, scope=scope, began=began)

    async def save(
        self, tx: Transaction, credential: MachineCredential, refresh_token: str | None, now: datetime
    ) -> None:
        """Nothing of it is to be kept."""


def machine_scope(registered: tuple[str, ...], asked: str | None) -> tuple[str, ...]:
    """What a program gets: what it asks for, or all that it registered; those about people are none of its.

    Raises Authlib's `InvalidScopeError`.
    """
    own = tuple(scope for scope in registered if scope not in scopes.SCOPES)
    if asked is None:
        return own
    wanted = scopes.split(asked)
    if not set(wanted) <= set(own):
        raise InvalidScopeError("the client has not registered all of this scope for itself")
    return wanted
