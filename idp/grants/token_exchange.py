"""Token exchange (RFC 8693): a service that was called by somebody calls another one for them, and says that it does.

The new token belongs to the session of the one that it came of, holds no more than that, but for what an administrator
lets this very client have by itself, and lives no longer. Nobody acts as somebody else unseen: the client proves with a
token of its own who acts, and the new one names it in `act`. A token for an API is exchanged by clients alone that are
registered as that API: whoever else got hold of it has nothing. The gateway is the API of its own hosts (RFC 9728).

For programs one acts only where it registered to (`resource`): to the house's own services a program speaks for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit
from uuid import UUID

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError, UnauthorizedClientError

from config.connections import Transaction
from idp.clients.client import Client, Clients
from idp.grants.grant import Credential, InvalidTargetError, LiveSessions, MachineCredential
from idp.grants.joining import Joining
from idp.protocol import access_token, scopes
from idp.protocol.confirmation import Confirmation, UnknownConfirmation, confirmation_of, is_met
from idp.sessions.machine_session import MachineSession
from idp.tokens.refresh_family import token_hash

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a kind
_KINDS: Final = (ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:jwt")


class OwnTokens(Protocol):
    """What is known of our own access tokens."""

    def claims(self, token: str) -> Mapping[str, object] | None:
        """The claims of a token that is sound and has not expired; None for any other."""

    def issued_for(self, token: str, audiences: Collection[str]) -> Mapping[str, object] | None:
        """The same of a token for one of these resources."""

    def session_of(self, claims: Mapping[str, object]) -> str:
        """The session id that these claims name, to whichever client."""

    async def lives(self, tx: Transaction, claims: Mapping[str, object], now: datetime) -> bool:
        """Whether the session of these claims lives, and the token was not revoked alone."""


class ProgramSessions(Protocol):
    """Where the sessions of programs are."""

    async def hold(self, tx: Transaction, client_id: str, sid: str) -> MachineSession | None:
        """The client's session of this id, locked against its end; None where it does not live."""


class TokenExchange:
    """`Grant` for `TOKEN_EXCHANGE`."""

    grant_type = TOKEN_EXCHANGE

    def __init__(
        self,
        tokens: OwnTokens,
        clients: Clients,
        sessions: LiveSessions,
        programs: ProgramSessions,
        joining: Joining,
        *,
        gateway: str,
    ) -> None:
        """`gateway`: the gateway's own client, which has the tokens for its hosts exchanged for its upstreams."""
        self._tokens = tokens
        self._clients = clients
        self._sessions = sessions
        self._programs = programs
        self._joining = joining
        self._gateway = gateway

    async def load(
        self, tx: Transaction, form: dict[str, str], client: Client, now: datetime, proven: Confirmation
    ) -> Credential | MachineCredential | None:
        """What is exchanged, and for what. Raises Authlib's `OAuth2Error`."""
        if client.auth_method == "none":
            raise UnauthorizedClientError("a public client proves nothing, so it acts for nobody")
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise InvalidRequestError("requested_token_type: only access tokens are issued")
        # the client proves its own keys; whoever holds those of a person's bound token has not been asked here
        own = client.metadata.exchange_audiences
        if client.client_id == self._gateway:
            own = (*own, *hosts(client.redirect_uris))
        subject, actor = self._token(form, "subject_token", {}, own), self._token(form, "actor_token", proven)
        if not (actor["sub"] == actor["client_id"] == client.client_id):
            raise InvalidRequestError("actor_token: it is not the client's own")
        if not await self._tokens.lives(tx, actor, now):
            raise InvalidRequestError("actor_token: it is not good, or not any more")
        # of a client that was switched off since, nothing comes any more (as at introspection and userinfo)
        if await self._clients.find(tx, str(subject["client_id"])) is None:
            raise InvalidRequestError("subject_token: it is not good, or not any more")
        if "auth_time" not in subject:  # nobody signed in
            return await self._of_program(tx, form, client, now, subject)
        session = await self._sessions.lock(tx, self._tokens.session_of(subject))
        if session is None or not session.lives(now) or access_token.is_revoked(subject, session.revoked_tokens):
            raise InvalidRequestError("subject_token: it is not good, or not any more")
        over_at, came_of = cast(float, subject["exp"]), subject.get(access_token.GRANT)
        return Credential(
            client_id=client.client_id,
            session=session,
            scope=exchanged_scope(
                str(subject["scope"]), client.scopes, form.get("scope"), client.metadata.exchange_scopes
            ),
            digest=token_hash(form["subject_token"]),
            family_id=UUID(str(came_of)) if came_of else None,
            audiences=targets(
                client.metadata.resources, form, anywhere=self._tokens.claims(form["subject_token"]) is not None
            ),
            actor=acting(client.client_id, subject),
            not_after=min(over_at, session.absolute_expires_at.timestamp()),
            answer={"issued_token_type": ACCESS_TOKEN},
        )

    async def _of_program(
        self, tx: Transaction, form: dict[str, str], client: Client, now: datetime, subject: Mapping[str, object]
    ) -> MachineCredential:
        """A program's, whose tokens may be revoked one by one."""
        session = await self._programs.hold(tx, str(subject["sub"]), str(subject["sid"]))
        if session is None or not await self._tokens.lives(tx, subject, now):
            raise InvalidRequestError("subject_token: it is not good, or not any more")
        over_at: Any = subject["exp"]
        return MachineCredential(
            client_id=client.client_id,
            session=session,
            scope=exchanged_scope(
                str(subject["scope"]), client.scopes, form.get("scope"), client.metadata.exchange_scopes
            ),
            audiences=targets(client.metadata.resources, form, anywhere=False),
            actor=acting(client.client_id, subject),
            not_after=float(over_at),
            answer={"issued_token_type": ACCESS_TOKEN},
        )

    async def save(
        self, tx: Transaction, credential: Credential | MachineCredential, refresh_token: str | None, now: datetime
    ) -> None:
        """The client has tokens of the session, and is told of its end; of a program's nobody is."""
        if isinstance(credential, MachineCredential):
            return
        await self._joining.join(tx, credential, refresh_token, now)

    def _token(
        self, form: Mapping[str, str], name: str, proven: Confirmation, own: Collection[str] = ()
    ) -> Mapping[str, object]:
        """`own`: resources whose tokens are taken as well. Raises Authlib's `InvalidRequestError`."""
        token, kind = form.get(name), form.get(f"{name}_type")
        if token is None or kind is None:
            raise InvalidRequestError(f"{name} and {name}_type are needed")
        claims = self._tokens.claims(token) or self._tokens.issued_for(token, own) if kind in _KINDS else None
        if claims is None or not _is_held(claims, proven):
            raise InvalidRequestError(f"{name}: it is not good, or not any more")
        return claims


def hosts(redirect_uris: Iterable[str]) -> tuple[str, ...]:
    """The hosts that people come back to, each as a resource names it: its origin (RFC 9728, section 3)."""
    parts = [urlsplit(uri) for uri in redirect_uris]
    return tuple(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))


def _is_held(claims: Mapping[str, object], proven: Confirmation) -> bool:
    """Whether the keys that a token is bound to were proven."""
    try:
        return is_met(confirmation_of(claims), proven)
    except UnknownConfirmation:
        return False


def exchanged_scope(
    held: str, registered: tuple[str, ...], asked: str | None, added: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """What both the token and the client have, or that part of it that is asked for; no ID token comes of it. What is
    `added` is had where it is asked for by name.

    Raises Authlib's `InvalidScopeError`.
    """
    both = tuple(scope for scope in scopes.split(held) if scope in registered and scope != scopes.OPENID)
    if asked is None:
        return both
    wanted = scopes.split(asked)
    if not set(wanted) <= {*both, *(scope for scope in added if scope in registered and scope != scopes.OPENID)}:
        raise InvalidScopeError("scope: more than the token or the client has")
    return wanted


def targets(resources: tuple[str, ...], form: Mapping[str, str], *, anywhere: bool) -> tuple[str, ...]:
    """Where the new token is to be good; what is not named is the house's own services, if `anywhere`: what was for an
    API was never for these, and does not become it. Raises `InvalidTargetError`."""
    named = tuple(dict.fromkeys(form[name] for name in ("resource", "audience") if name in form))
    if not anywhere and (not named or access_token.AUDIENCE in named):
        raise InvalidTargetError("a token for an API is exchanged for one of another API, which is named")
    if not set(named) <= {access_token.AUDIENCE, *resources}:
        raise InvalidTargetError("the client has not registered this target")
    return named


def acting(client_id: str, subject: Mapping[str, object]) -> dict[str, object]:
    """`act`: the client, and within it whoever acted before (RFC 8693, section 4.1)."""
    before = subject.get("act")
    return {"sub": client_id, **({"act": before} if before else {})}
