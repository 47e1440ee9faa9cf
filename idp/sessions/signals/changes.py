"""What subscribers are told beyond ends: a way to sign in that changed, a device that is trusted otherwise (CAEP 1.0).

Whoever does such an act tells it in its own transaction; the worker `logout` carries it, or its receiver polls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from idp.sessions.delivery import Delivery, Happening, Recipient

CREDENTIAL_CHANGE: Final = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
DEVICE_COMPLIANCE_CHANGE: Final = "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change"

Initiator = Literal["admin", "user", "policy", "system"]
CredentialType = Literal["password", "fido2-platform", "fido2-roaming", "app", "recovery-code"]
"""CAEP 1.0, section 3.3.1. `app` is an authenticator app, or a browser that approves; `recovery-code`, which CAEP
has no name for, is ours."""
ChangeType = Literal["create", "update", "revoke", "delete"]
"""`delete`: its person took it away; `revoke`: somebody else did."""
Reason = Literal[
    "password_changed",
    "password_recovered",
    "added",
    "removed",
    "codes_made",
    "codes_gone",
    "reset",
    "device_known",
    "device_removed",
]
UNKNOWN_AAGUID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Told:
    """Who did it, and in which words it is told."""

    initiator: Initiator
    en: str
    ko: str


REASONS: Final[dict[str, Told]] = {
    "password_changed": Told("user", "The person changed their password.", "비밀번호를 바꿨어요."),
    "password_recovered": Told(
        "user", "The person set a new password by a link of recovery.", "복구 링크로 새 비밀번호를 정했어요."
    ),
    "added": Told("user", "The person added a way to sign in.", "로그인 방법을 추가했어요."),
    "removed": Told("user", "The person removed a way to sign in.", "로그인 방법을 지웠어요."),
    "codes_made": Told("user", "The person made new recovery codes.", "복구 코드를 새로 만들었어요."),
    "codes_gone": Told(
        "system",
        "The last second factor went, and its recovery codes with it.",
        "마지막 2단계 인증 수단과 함께 사라졌어요.",
    ),
    "reset": Told(
        "admin", "An administrator took away the second factors.", "관리자가 2단계 인증 수단을 초기화했어요."
    ),
    "device_known": Told(
        "system", "The person signed in on this device again.", "이 기기에서 다시 로그인해 아는 기기가 되었어요."
    ),
    "device_removed": Told("user", "The person removed the device.", "기기를 지웠어요."),
}


@dataclass(frozen=True, slots=True)
class CredentialChange:
    """What changed of a person's ways to prove who they are."""

    credential_type: CredentialType
    change_type: ChangeType
    reason: Reason
    friendly_name: str = ""
    """What its person calls it; empty: it has no name."""
    aaguid: str = ""
    """Of a passkey: the kind of its authenticator."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A stream that hears of a person, and the organisation that it hears of them for."""

    recipient: Recipient
    organisation_id: UUID


class ChangeQueue(Protocol):
    """Where what is to be told waits."""

    async def subscribers(self, tx: Transaction, user_id: UUID, event: str) -> Sequence[Subscriber]:
        """Which streams asked for the event and hear of this person."""

    async def add(self, tx: Transaction, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries, due at once."""


class ChangeSignals:
    """Tells subscribers of changes: one delivery for each of them, in the transaction of the change."""

    def __init__(self, queue: ChangeQueue, clock: Clock, entropy: Entropy) -> None:
        self._queue = queue
        self._clock = clock
        self._entropy = entropy

    async def credential_changed(
        self, tx: Transaction, user_id: UUID, change: CredentialChange, correlation_id: str
    ) -> None:
        """A credential of a person came, changed or went (CAEP `credential-change`)."""
        facts: dict[str, str] = {
            "credential_type": change.credential_type,
            "change_type": change.change_type,
            "reason": change.reason,
        }
        if change.friendly_name:
            facts["friendly_name"] = change.friendly_name
        if change.aaguid not in ("", UNKNOWN_AAGUID):
            facts["fido2_aaguid"] = change.aaguid
        await self._tell(tx, user_id, CREDENTIAL_CHANGE, Happening.CREDENTIAL_CHANGED, facts, correlation_id)

    async def device_changed(
        self,
        tx: Transaction,
        user_id: UUID,
        device_id: UUID,
        *,
        complied: bool,
        complies: bool,
        reason: Reason,
        correlation_id: str,
    ) -> None:
        """A device of a person is trusted more or less; where that makes no difference (CAEP has two statuses), nothing
        is told."""
        if complied == complies:
            return
        facts = {
            "device": str(device_id),
            "previous_status": _status(complied),
            "current_status": _status(complies),
            "reason": reason,
        }
        event = DEVICE_COMPLIANCE_CHANGE
        await self._tell(tx, user_id, event, Happening.DEVICE_COMPLIANCE_CHANGED, facts, correlation_id)

    async def _tell(
        self,
        tx: Transaction,
        user_id: UUID,
        event: str,
        happening: Happening,
        facts: dict[str, str],
        correlation_id: str,
    ) -> None:
        told = await self._queue.subscribers(tx, user_id, event)
        if not told:
            return
        now = self._clock.now()
        shared = {"happening": happening.value, "sub": str(user_id), "correlation_id": correlation_id, **facts}
        await self._queue.add(
            tx,
            [
                Delivery(
                    id=self._entropy.uuid(),
                    recipient=one.recipient,
                    facts={**shared, "tenant": str(one.organisation_id)},
                    happened_at=now,
                )
                for one in told
            ],
        )


def passkey_type(transports: Sequence[str]) -> CredentialType:
    """A passkey that lives in the person's own device, or on a key that they carry from one to another."""
    return "fido2-platform" if "internal" in transports or "hybrid" in transports else "fido2-roaming"


def _status(complies: bool) -> str:
    return "compliant" if complies else "not-compliant"
