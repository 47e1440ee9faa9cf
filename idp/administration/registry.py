"""What the API asks of storages; all of it within the organisations that the caller administers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from idp.administration.documents import (
    ChangeEntry,
    Channel,
    DeliveryEntry,
    DeliveryState,
    OrganisationDocument,
    PersonDocument,
    PersonEntry,
    SecondFactor,
    SessionEntry,
)
from idp.administration.scope import EntryCursor, MomentCursor, NameCursor
from idp.administration.session_document import SessionDocument
from idp.authorization.login_rules import LoginRules
from idp.devices.sign_in_history import Cursor, Outcome, Told
from idp.directory.account import Account, Face, LockReason
from idp.federation.provider import DomainClaim, UpstreamProvider
from idp.sessions.session import Session
from idp.sessions.signals.changes import CredentialChange

Scope = Collection[UUID]


class People(Protocol):
    """The directory, as administrators look at it."""

    async def administered_by(self, tx: Transaction, user_id: UUID) -> frozenset[UUID]:
        """The organisations in which a person who may sign in is an administrator."""

    async def people(
        self, tx: Transaction, scope: Scope, *, name: str, after: NameCursor | None, now: datetime, limit: int
    ) -> Sequence[PersonEntry]:
        """Members whose display name or login name holds `name`, by name."""

    async def person(self, tx: Transaction, scope: Scope, user_id: UUID, now: datetime) -> PersonDocument | None:
        """One member; of one who belongs elsewhere too only what this scope has of them."""

    async def hold(self, tx: Transaction, user_id: UUID) -> None:
        """Let nobody else change this person, or begin a session of theirs, until the transaction is over."""

    async def is_within(self, tx: Transaction, scope: Scope, user_id: UUID) -> bool:
        """Whether every organisation of a person is in the scope."""

    async def is_last_administrator(self, tx: Transaction, user_id: UUID) -> bool:
        """Whether an organisation would be left without an administrator who may sign in; nobody else locks another
        administrator until the transaction is over."""


class Sessions(Protocol):
    """Live sessions, as administrators look at them."""

    async def live(
        self,
        tx: Transaction,
        scope: Scope,
        *,
        name: str = "",
        place: str | None = None,
        user_id: UUID | None = None,
        before: MomentCursor | None = None,
        now: datetime,
        limit: int,
    ) -> Sequence[SessionEntry]:
        """Those that live at `now`, the newest first."""

    async def find(self, tx: Transaction, sid: str) -> Session | None:
        """One session, live or ended."""

    async def document(self, tx: Transaction, scope: Scope, sid: str, now: datetime) -> SessionDocument | None:
        """One session of the scope, live or ended, whole."""


class SignIns(Protocol):
    """What came of people's attempts to sign in."""

    async def page(
        self, tx: Transaction, user_id: UUID, *, outcomes: Collection[Outcome], before: Cursor | None, limit: int
    ) -> Sequence[Told]:
        """The latest of a person below a cursor; no outcomes named: all."""


class Organisations(Protocol):
    """Organisations, as administrators look at them."""

    async def organisations(self, tx: Transaction, scope: Scope) -> Sequence[OrganisationDocument]:
        """Those of the scope, by name."""

    async def claim(self, tx: Transaction, organisation_id: UUID) -> OrganisationDocument | None:
        """One, locked against other changes."""

    async def put_recovery_wait(self, tx: Transaction, organisation_id: UUID, hours: int | None) -> None:
        """Keep how long a claimed one's people wait who lost every factor."""


class History(Protocol):
    """What is on record of organisations."""

    async def changes(
        self, tx: Transaction, organisation_id: UUID, *, before: MomentCursor | None, limit: int
    ) -> Sequence[ChangeEntry]:
        """What was changed of one, the newest first."""


class Deliveries(Protocol):
    """What waits to be told, was told, or could not be."""

    async def deliveries(
        self,
        tx: Transaction,
        scope: Scope,
        channel: Channel,
        state: DeliveryState,
        *,
        before: EntryCursor | None,
        now: datetime,
        limit: int,
    ) -> Sequence[DeliveryEntry]:
        """The newest first."""

    async def retry(self, tx: Transaction, scope: Scope, channel: Channel, ident: UUID, now: datetime) -> bool | None:
        """Let a dead letter wait again. False: it is none, or expired; `None`: not in this scope."""


class Directory(Protocol):
    """What is changed of the directory."""

    async def account(self, tx: Transaction, user_id: UUID) -> Account | None:
        """One person."""

    async def lock(self, tx: Transaction, user_id: UUID, reason: LockReason, now: datetime) -> bool:
        """Lock an account. False: there is none, or it is the last administrator's."""

    async def unlock(self, tx: Transaction, user_id: UUID, *, only: LockReason | None = None) -> bool:
        """Unlock it. False: it was not locked."""

    async def put_face(self, tx: Transaction, found: Face) -> bool:
        """Keep how an organisation meets people, and tell whoever has it in memory."""


class Factors(Protocol):
    """What people prove themselves with beside the password."""

    async def revoked(self, tx: Transaction, user_id: UUID) -> Sequence[CredentialChange]:
        """What a reset takes away, as subscribers of shared signals are told of it; ask before it."""

    async def reset(self, tx: Transaction, user_id: UUID) -> Sequence[SecondFactor]:
        """Take away all of them, and what stood in for them; returns the kinds that there were. The account changes."""


class Logins(Protocol):
    """Attempts to sign in that are under way."""

    async def forget_person(self, tx: Transaction, user_id: UUID) -> int:
        """Forget those of a person; before the person is locked."""


class Rules(Protocol):
    """What organisations demand of logins."""

    async def put_login_rules(self, tx: Transaction, organisation_id: UUID, rules: LoginRules) -> bool:
        """Keep them, and tell whoever has them in memory."""


class UpstreamProviders(Protocol):
    """Organisations' own identity providers."""

    async def of_organisation(self, tx: Transaction, organisation_id: UUID) -> Sequence[UpstreamProvider]:
        """All of an organisation, the oldest first."""

    async def find(self, tx: Transaction, provider_id: UUID) -> UpstreamProvider | None:
        """One provider."""

    async def claim(self, tx: Transaction, provider_id: UUID) -> UpstreamProvider | None:
        """`find`, and nobody else claims it before this transaction is over."""

    async def hold(self, tx: Transaction, organisation_id: UUID) -> None:
        """Let nobody else add one to an organisation until the transaction is over."""

    async def count(self, tx: Transaction, organisation_id: UUID) -> int:
        """How many an organisation has."""

    async def add(self, tx: Transaction, provider: UpstreamProvider, now: datetime) -> bool:
        """Keep a new one without its domains. False: the organisation has one of this issuer and client already."""

    async def change(self, tx: Transaction, provider: UpstreamProvider) -> bool:
        """Keep what changed in a claimed one, but its domains; its version rises. False likewise."""

    async def put_domains(self, tx: Transaction, provider: UpstreamProvider, domains: Collection[str]) -> None:
        """Keep that it is to be led to from these domains, and no others: those that were proven stay so."""

    async def claims(
        self, tx: Transaction, *, after: tuple[str, UUID] | None, limit: int, provider_id: UUID | None = None
    ) -> Sequence[DomainClaim]:
        """Who names which domain, by domain; all, or those of one provider."""

    async def prove_domain(
        self, tx: Transaction, provider: UpstreamProvider, domain: str, who: UUID, now: datetime, *, by_file: bool
    ) -> bool | None:
        """Let a domain lead to a claimed provider that names it. False: it leads elsewhere; None: it names it not."""

    async def withdraw_domain(
        self, tx: Transaction, provider: UpstreamProvider, domain: str, who: UUID, now: datetime
    ) -> bool:
        """Let a domain lead to a claimed provider no more, and no file prove it again. False: it does not."""

    async def is_withdrawn(self, tx: Transaction, domain: str) -> bool:
        """Whether no file may prove a domain."""

    async def remove(self, tx: Transaction, provider: UpstreamProvider) -> int:
        """Forget one, its domains and its links. Returns how many links."""


class SharedSecrets(Protocol):
    """Secrets that all nodes share."""

    async def ensure(self, tx: Transaction, name: str, envelope: Envelope, entropy: Entropy, now: datetime) -> bytes:
        """The secret of a name."""
