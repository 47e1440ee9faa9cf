"""What an organisation demands of the logins of its people, in the memory of a node: forgotten by an event (A7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.recollection import Lease, Recollection
from idp.authorization.next_step import DuplicateLogin
from idp.protocol.assurance import HOUSE, Counting, Way

EVENT_TOPIC: Final = "organisation"
"""Topic in the outbox, key = organisation id, payload `{"organisation_id"}`."""


@dataclass(frozen=True, slots=True)
class LoginRules:
    """`None`: as the settings say."""

    duplicate_login: DuplicateLogin | None = None
    new_device_factor: bool | None = None
    counting: Counting = HOUSE
    """Which methods count for which `acr`; kept apart from the other two, as what is forbidden is."""
    forbidden: frozenset[Way] = frozenset()
    """What is neither offered nor taken."""
    verified_approvals: bool = False
    """A device approves only together with a passkey of its person."""
    text_countries: tuple[str, ...] | None = None
    """Countries (ISO 3166-1) whose numbers get codes by text."""
    sign_in_links: bool | None = None
    """Whether people may sign in by a link that is mailed to them."""


class RuleStorage(Protocol):
    """Where rules are kept."""

    async def login_rules(self, tx: Transaction, organisation_id: UUID) -> LoginRules:
        """The rules of one organisation."""


class LoginRulesCache:
    """Rules by organisation, with the settings in place of what an organisation leaves open."""

    def __init__(self, storage: RuleStorage, clock: Clock, lease: Lease, *, otherwise: LoginRules) -> None:
        self._storage = storage
        self._otherwise = otherwise
        self._known: Recollection[UUID, LoginRules] = Recollection(clock, lease=lease)

    async def of(self, tx: Transaction, organisation_id: UUID) -> LoginRules:
        """The rules of one organisation, nothing left open."""
        return await self._known.of(organisation_id, lambda: self._read(tx, organisation_id))

    async def at_hand(self, database: Database, organisation_id: UUID) -> LoginRules:
        """The same for whoever has no transaction: one is opened where they are not in memory."""

        async def read() -> LoginRules:
            async with database.connect() as tx:
                return await self._read(tx, organisation_id)

        return await self._known.of(organisation_id, read)

    async def _read(self, tx: Transaction, organisation_id: UUID) -> LoginRules:
        own = await self._storage.login_rules(tx, organisation_id)
        return LoginRules(
            duplicate_login=own.duplicate_login or self._otherwise.duplicate_login,
            new_device_factor=(
                own.new_device_factor if own.new_device_factor is not None else self._otherwise.new_device_factor
            ),
            counting=own.counting,
            forbidden=own.forbidden,
            verified_approvals=own.verified_approvals,
            text_countries=() if "sms" in own.forbidden else self._texts(own),
            sign_in_links="link" not in own.forbidden and self._links(own),
        )

    def _texts(self, own: LoginRules) -> tuple[str, ...] | None:
        return own.text_countries if own.text_countries is not None else self._otherwise.text_countries

    def _links(self, own: LoginRules) -> bool | None:
        return own.sign_in_links if own.sign_in_links is not None else self._otherwise.sign_in_links

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Forget the rules of an organisation that changed."""
        if topic == EVENT_TOPIC:
            self.on_reset()

    def on_reset(self) -> None:
        """Something changed, or events may have been lost: forget all. It is little, and changes seldom."""
        self._known.forget_all()
