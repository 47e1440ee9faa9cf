"""An organisation's old system, asked over HTTP whether a password is right, once for each person.

It is asked by a POST of `{"login_name", "password"}`, signed as Standard Webhooks has it, and answers 200 with
`{"verified": true, "person": {…}}`, the person as a line of an import has them, or `{"verified": false}`. Whatever else
comes says nothing of the password, and is told to the person as "try again".
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

import msgspec
import structlog

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from config.outbound import NotFetched, Outbound, networks
from config.problem import Problem, ProblemType
from config.recollection import Recollection
from idp.directory.account import Account
from idp.importing.person import Candidate, Checker, Entry, Fault, Rules

AWAY = ProblemType(
    "MJ-IDP-107",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Your organisation's former sign-in does not answer",
    "Try again in a few minutes; nothing was counted against you.",
)
SECRET_SIZE = 32
AT_ONCE = 32
"""Questions of one process that wait for an answer."""
LONGEST_ANSWER = 64 * 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldSystem:
    """One, and whom it is asked about."""

    organisation_id: UUID
    address: str
    sealed_secret: bytes = field(repr=False)
    endings: Sequence[str] = ()
    """Of login names that nobody has here, such as `@example.com`."""
    roles: Sequence[str] = ()
    """Of everybody who comes from there, beside their own."""
    private: Sequence[str] = ()
    """Networks (CIDR) that are not public where it may stand."""


class OldSystemStorage(Protocol):
    """Where they are kept."""

    async def every(self, tx: Transaction) -> Sequence[OldSystem]:
        """All of them."""


class Homes(Protocol):
    """Where people belong."""

    async def organisation_of(self, tx: Transaction, user_id: UUID) -> UUID | None:
        """The organisation that a person joined first."""


class _Answer(msgspec.Struct, frozen=True):
    verified: bool
    person: dict[str, object] = {}


@dataclass(frozen=True, slots=True)
class Vouched:
    """An old system said that a password is right."""

    system: OldSystem
    person: Candidate


class OldSystems:
    """Finds the one to ask, and asks it."""

    def __init__(
        self,
        *,
        storage: OldSystemStorage,
        homes: Homes,
        database: Database,
        envelope: Envelope,
        clock: Clock,
        entropy: Entropy,
        this_machine: bool,
    ) -> None:
        self._storage = storage
        self._homes = homes
        self._database = database
        self._envelope = envelope
        self._clock = clock
        self._entropy = entropy
        self._this_machine = this_machine
        self._all: Recollection[str, tuple[OldSystem, ...]] = Recollection(clock)
        self._questions = asyncio.Semaphore(AT_ONCE)

    async def to_ask(self, account: Account | None, name: str | None, stored: str | None) -> OldSystem | None:
        """Who knows the password of somebody who has none here; never asked about anybody who has one."""
        every = await self._all.of("all", self._read)  # whoever it is: what is read then tells nothing of them
        if stored is not None or name is None or not every:
            return None
        if account is None:
            return next((one for one in every if any(name.endswith(ending) for ending in one.endings)), None)
        async with self._database.connect() as tx:
            home = await self._homes.organisation_of(tx, account.id)
        return next((one for one in every if one.organisation_id == home), None)

    async def ask(self, system: OldSystem, name: str, password: str) -> Vouched | None:
        """Whether the password is right there. Raises `AWAY`."""
        content = msgspec.json.encode({"login_name": name, "password": password})
        outbound = Outbound(networks(system.private), this_machine=self._this_machine)
        try:
            async with asyncio.timeout(15), self._questions:
                answer = await outbound.ask(
                    "POST", system.address, headers=self._signed(system, content), most=LONGEST_ANSWER, content=content
                )
        except (NotFetched, TimeoutError) as error:
            raise _away(system, str(error) or type(error).__name__) from error
        if answer.status != HTTPStatus.OK:
            raise _away(system, f"it answered {answer.status}")
        return self._read_answer(system, name, answer.body)

    def _read_answer(self, system: OldSystem, name: str, body: bytes) -> Vouched | None:
        try:
            said = msgspec.json.decode(body, type=_Answer)
            if not said.verified:
                return None
            given = {key: value for key, value in said.person.items() if key not in _OURS}
            entry = msgspec.convert({**given, "login_name": name}, Entry)
            rules = Rules(organisation_id=system.organisation_id, checksum_key=b"\0", roles=system.roles)
            return Vouched(system, Checker(rules).check(0, entry))
        except (msgspec.MsgspecError, UnicodeDecodeError, Fault) as error:
            raise _away(system, f"its answer cannot be used: {type(error).__name__}") from error

    def _signed(self, system: OldSystem, content: bytes) -> dict[str, str]:
        ident, moment = f"msg_{self._entropy.token(16)}", str(int(self._clock.timestamp()))
        key = self._envelope.open(system.sealed_secret, secret_context(system.organisation_id))
        signature = hmac.digest(key, f"{ident}.{moment}.".encode() + content, hashlib.sha256)
        return {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "webhook-id": ident,
            "webhook-timestamp": moment,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }

    async def _read(self) -> tuple[OldSystem, ...]:
        async with self._database.connect() as tx:
            return tuple(await self._storage.every(tx))


_OURS = frozenset(("login_name", "password", "password_hash"))


def secret_context(organisation_id: UUID) -> str:
    """What the secret of one is sealed for."""
    return f"idp.old_system:{organisation_id}"


def shown_secret(secret: bytes) -> str:
    """As whoever runs the old system gets it, and libraries of Standard Webhooks take it."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def _away(system: OldSystem, what: str) -> Problem:
    _log.warning("old_system_away", organisation=str(system.organisation_id), what=what[:200])
    return Problem(AWAY, private=f"old system: {what[:200]}", headers={"Retry-After": "60"})
