"""What every grant fills in; the phases around it are the token endpoint's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from authlib.oauth2 import OAuth2Error

from config.connections import Transaction
from idp.clients.client import Client
from idp.protocol.claims_request import NO_CLAIMS, RequestedClaims
from idp.protocol.confirmation import Confirmation
from idp.sessions.machine_session import MachineSession
from idp.sessions.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a client handed in, found sound by storage: the core may look at it."""

    client_id: str
    session: Session
    """Live, and locked against its end until the transaction is over (S3)."""
    scope: tuple[str, ...]
    nonce: str | None = None
    redirect_uri: str | None = None
    code_challenge: str | None = None
    digest: bytes = field(repr=False)
    """The hash of what was handed in."""
    family_id: UUID | None = None
    """The refresh family that it is of, or that may come of it; None: none can."""
    confirmation: Confirmation = field(default_factory=dict)
    """The key that a family which comes of it is bound to."""
    successor: str | None = field(default=None, repr=False)
    """The refresh token that follows this one."""
    claims: RequestedClaims = NO_CLAIMS
    resources: tuple[str, ...] = ()
    """What the authorization request named (RFC 8707)."""
    retry: bool = False
    """The same answer is asked for again: nothing is to be saved."""
    audiences: tuple[str, ...] = ()
    """Where the access token is to be good (RFC 8707); empty: at the house's own services."""
    actor: Mapping[str, object] = field(default_factory=dict)
    """`act` of the access token (RFC 8693, section 4.1)."""
    not_after: float = float("inf")
    """Epoch seconds that the access token must not outlive."""
    answer: Mapping[str, object] = field(default_factory=dict)
    """What the token response says besides."""

    @property
    def about(self) -> str:
        """Whom the tokens are about: `sub`."""
        return str(self.session.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCredential:
    """A client that asks for itself, in its own session; or one that acts for such a program."""

    client_id: str
    """Who asks: the program of the session, or whoever acts for it."""
    session: MachineSession
    scope: tuple[str, ...]
    began: bool = False
    """The session is a new one."""
    audiences: tuple[str, ...] = ()
    """Where the access token is to be good (RFC 8707); empty: where the request and its scopes say."""
    actor: Mapping[str, object] = field(default_factory=dict)
    """`act` of the access token (RFC 8693, section 4.1)."""
    not_after: float = float("inf")
    """Epoch seconds that the access token must not outlive."""
    answer: Mapping[str, object] = field(default_factory=dict)
    """What the token response says besides."""

    @property
    def about(self) -> str:
        """Whom the tokens are about: `sub`."""
        return self.session.client_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Misuse:
    """What was handed in had been used before: its family and its session must end (S3)."""

    kind: Literal["code_replayed", "refresh_reused"]
    user_id: UUID
    sid: str
    family_id: UUID | None


@dataclass(frozen=True, slots=True)
class Unready:
    """There is nothing to be had, now or ever; what was learnt of it is kept: when a client asked, that it is over."""

    error: OAuth2Error


class UnsupportedGrantError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """There is no such grant (RFC 6749, section 5.2). Authlib's own error repeats what was sent."""

    error = "unsupported_grant_type"


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """The token is asked for where it may not be good (RFC 8707, section 2; RFC 8693, section 2.2.2)."""

    error = "invalid_target"


def binding(client: Client, proven: Confirmation) -> Confirmation:
    """What refresh tokens are bound to: the key of a client that has nothing else to prove itself by (RFC 9449, 5)."""
    return dict(proven) if client.auth_method == "none" else {}


Loaded = TypeVar("Loaded", Credential, MachineCredential)


class Grant(Protocol[Loaded]):
    """One grant type. `load` and `save` happen in one transaction, with the core between them."""

    grant_type: str

    async def load(
        self, tx: Transaction, form: dict[str, str], client: Client, now: datetime, proven: Confirmation
    ) -> Loaded | Misuse | Unready | None:
        """What the form hands in, claimed for this transaction; None where it is nothing of this client's.

        `proven`: the keys that the client proved with this very request.

        Raises Authlib's `OAuth2Error`, after which nothing is kept.
        """

    async def save(self, tx: Transaction, credential: Loaded, refresh_token: str | None, now: datetime) -> None:
        """Keep what must be kept now that tokens are issued."""


class SessionClients(Protocol):
    """Where it is kept which relying parties a session has."""

    async def joined(self, tx: Transaction, sid: str, client_id: str, now: datetime) -> None:
        """A client has tokens of this session from now on. The caller holds the session's lock, so no end is missed."""


class LiveSessions(Protocol):
    """Where a grant finds the session that it is about."""

    async def lock(self, tx: Transaction, sid: str) -> Session | None:
        """One session that has not ended, locked against its end."""
