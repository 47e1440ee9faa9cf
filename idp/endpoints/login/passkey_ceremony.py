"""Passkeys at the rim: a challenge goes out with a page, an answer comes back in a form, and is used up either way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from starlette.requests import Request

from config.connections import Transaction
from config.entropy import Entropy
from idp.factors.attestation import AttestationPolicy
from idp.factors.metadata import Metadata
from idp.factors.passkey import (
    CHALLENGE_LIFETIME,
    CHALLENGE_SIZE,
    Ceremony,
    ChallengeStorage,
    CloneSuspected,
    Passkey,
    PasskeyRefused,
    PasskeyStorage,
    RelyingParty,
)
from idp.factors.passkey_answers import (
    authentication_options,
    challenge_digest,
    challenge_of,
    credential_id_of,
    registration_options,
    verify_authentication,
    verify_registration,
)
from idp.protocol.assurance import Method


class PasskeyKeeping(PasskeyStorage, ChallengeStorage, Protocol):
    """Where passkeys and challenges are kept."""


class KnownModels(Protocol):
    """What is known of models of authenticators."""

    @property
    def current(self) -> Metadata | None:
        """The metadata in use; None: nothing is known."""

    def refused_model(self, aaguid: str) -> str:
        """The status for which a model is believed no more; empty: it is."""


class AttestationPolicies(Protocol):
    """Which keys organisations take."""

    async def attestation_policies(self, tx: Transaction, user_id: UUID) -> list[AttestationPolicy]:
        """Those of a person's organisations, as far as they say anything."""


class Alarm(Protocol):
    """What is done about a passkey that seems to have been copied."""

    async def suspected(self, tx: Transaction, request: Request, suspected: CloneSuspected, now: datetime) -> None:
        """Tell of it, in the transaction in which it is kept."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A passkey that answered."""

    passkey: Passkey
    amr: tuple[str, ...]
    """What the authentication is worth now (RFC 8176): less where its model was found to be broken since."""


class PasskeyCeremonies:
    """Both ceremonies for one relying party. What they are bound to is a login, or a session."""

    def __init__(
        self,
        party: RelyingParty,
        storage: PasskeyKeeping,
        entropy: Entropy,
        *,
        models: KnownModels | None = None,
        policies: AttestationPolicies | None = None,
        alarm: Alarm | None = None,
    ) -> None:
        """Without `models` nothing is attested, without `policies` any key is taken; `alarm` is given where a passkey
        seems to have been copied."""
        self._party = party
        self._storage = storage
        self._entropy = entropy
        self._models = models
        self._policies = policies
        self._alarm = alarm

    async def ask(
        self,
        tx: Transaction,
        *,
        bound_to: str,
        now: datetime,
        person: UUID | None = None,
        counting: frozenset[Method] | None = None,
    ) -> dict[str, Any]:
        """Options for an authentication: by this person's passkeys, or by whichever the browser's user picks.

        With `counting`, only passkeys that are one of these methods are asked for.
        """
        allowed = await self._storage.passkeys(tx, person) if person is not None else []
        if counting is not None:
            allowed = [one for one in allowed if one.methods(broken=self._is_broken(one)) & counting]
        challenge = await self._challenge(tx, "authentication", bound_to, now)
        return authentication_options(self._party, challenge=challenge, allowed=allowed)

    async def answer(
        self,
        tx: Transaction,
        answer: str,
        *,
        bound_to: str,
        now: datetime,
        person: UUID | None = None,
        request: Request | None = None,
    ) -> Answered:
        """The passkey that answered, its use kept. Raises `PasskeyRefused`; what was used up stays so if `tx` commits.

        With `person`, only a passkey of theirs counts. `CloneSuspected` is kept with the passkey, too, which is refused
        from then on; who asked by which `request` is told with it.
        """
        challenge = await self._consume(tx, "authentication", answer, bound_to, now)
        passkey = await self._storage.passkey(tx, credential_id_of(answer))
        if passkey is None or (person is not None and passkey.user_id != person):
            raise PasskeyRefused("nobody's passkey, or another person's")
        try:
            count, backed_up = verify_authentication(
                answer, expected_party=self._party, expected_challenge=challenge, passkey=passkey
            )
        except CloneSuspected as suspected:
            if suspected.anew:
                await self._storage.used(tx, replace(passkey, clone_suspected_at=now))
                if self._alarm is not None and request is not None:
                    await self._alarm.suspected(tx, request, suspected, now)
            raise
        used = replace(passkey, sign_count=count, backed_up=backed_up, last_used_at=now)
        await self._storage.used(tx, used)
        return Answered(used, used.named_by(broken=self._is_broken(used)))

    async def offer(
        self, tx: Transaction, *, user_id: UUID, login_name: str, display_name: str, bound_to: str, now: datetime
    ) -> dict[str, Any]:
        """Options for the registration of a new passkey."""
        policies = await self._policies_of(tx, user_id)
        return registration_options(
            self._party,
            user_id=user_id,
            login_name=login_name,
            display_name=display_name,
            challenge=await self._challenge(tx, "registration", bound_to, now),
            existing=await self._storage.passkeys(tx, user_id),
            attestation=any(policy.asks for policy in policies),
        )

    async def register(
        self,
        tx: Transaction,
        answer: str,
        *,
        user_id: UUID,
        label: str,
        bound_to: str,
        now: datetime,
        otherwise: str = "",
    ) -> Passkey:
        """Keep the passkey that was made; without a `label` it is called as its model is, or `otherwise`.

        Raises `PasskeyRefused`, and `KeyNotTaken` where an organisation of the person does not take such a key.
        """
        challenge = await self._consume(tx, "registration", answer, bound_to, now)
        passkey = verify_registration(
            answer,
            expected_party=self._party,
            expected_challenge=challenge,
            user_id=user_id,
            label=label,
            now=now,
            metadata=self._models.current if self._models is not None else None,
            policies=await self._policies_of(tx, user_id),
        )
        passkey = passkey if passkey.label else replace(passkey, label=otherwise)
        if not await self._storage.add_passkey(tx, passkey):
            raise PasskeyRefused("this credential is registered already")
        return passkey

    async def _policies_of(self, tx: Transaction, user_id: UUID) -> list[AttestationPolicy]:
        return await self._policies.attestation_policies(tx, user_id) if self._policies is not None else []

    def _is_broken(self, passkey: Passkey) -> bool:
        """What a key that nobody vouched for says of its model counts against it, too."""
        return self._models is not None and bool(self._models.refused_model(passkey.aaguid))

    async def _challenge(self, tx: Transaction, ceremony: Ceremony, bound_to: str, now: datetime) -> bytes:
        challenge = self._entropy.token(CHALLENGE_SIZE).encode()
        await self._storage.add_challenge(tx, challenge_digest(challenge), ceremony, bound_to, now + CHALLENGE_LIFETIME)
        return challenge

    async def _consume(self, tx: Transaction, ceremony: Ceremony, answer: str, bound_to: str, now: datetime) -> bytes:
        challenge = challenge_of(answer)
        if not await self._storage.consume_challenge(tx, challenge_digest(challenge), ceremony, bound_to, now):
            raise PasskeyRefused("not our challenge, or used up, or too late")
        return challenge
