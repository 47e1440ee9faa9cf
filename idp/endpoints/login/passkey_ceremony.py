"""Passkeys at the rim: a challenge goes out with a page, an answer comes back in a form, and is used up either way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy
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
    authentication_options,
    challenge_digest,
    challenge_of,
    credential_id_of,
    registration_options,
    verify_authentication,
    verify_registration,
)


class PasskeyKeeping(PasskeyStorage, ChallengeStorage, Protocol):
    """Where passkeys and challenges are kept."""


class PasskeyCeremonies:
    """Both ceremonies for one relying party. What they are bound to is a login, or a session."""

    def __init__(self, party: RelyingParty, storage: PasskeyKeeping, entropy: Entropy) -> None:
        self._party = party
        self._storage = storage
        self._entropy = entropy

    async def ask(self, tx: Transaction, *, bound_to: str, now: datetime, person: UUID | None = None) -> dict[str, Any]:
        """Options for an authentication: by this person's passkeys, or by whichever the browser's user picks."""
        allowed = await self._storage.passkeys(tx, person) if person is not None else []
        challenge = await self._challenge(tx, "authentication", bound_to, now)
        return authentication_options(self._party, challenge=challenge, allowed=allowed)

    async def answer(
        self, tx: Transaction, answer: str, *, bound_to: str, now: datetime, person: UUID | None = None
    ) -> Passkey:
        """The passkey that answered, its use kept. Raises `PasskeyRefused`; what was used up stays so if `tx` commits.

        With `person`, only a passkey of theirs counts.
        """
        challenge = await self._consume(tx, "authentication", answer, bound_to, now)
        passkey = await self._storage.passkey(tx, credential_id_of(answer))
        if passkey is None or (person is not None and passkey.user_id != person):
            raise PasskeyRefused("nobody's passkey, or another person's")
        try:
            count, backed_up = verify_authentication(
                answer, expected_party=self._party, expected_challenge=challenge, passkey=passkey
            )
        except CloneSuspected:
            await self._storage.used(tx, replace(passkey, clone_suspected_at=now))
            raise
        used = replace(passkey, sign_count=count, backed_up=backed_up, last_used_at=now)
        await self._storage.used(tx, used)
        return used

    async def offer(
        self, tx: Transaction, *, user_id: UUID, login_name: str, display_name: str, bound_to: str, now: datetime
    ) -> dict[str, Any]:
        """Options for the registration of a new passkey."""
        return registration_options(
            self._party,
            user_id=user_id,
            login_name=login_name,
            display_name=display_name,
            challenge=await self._challenge(tx, "registration", bound_to, now),
            existing=await self._storage.passkeys(tx, user_id),
        )

    async def register(
        self, tx: Transaction, answer: str, *, user_id: UUID, label: str, bound_to: str, now: datetime
    ) -> Passkey:
        """Keep the passkey that was made. Raises `PasskeyRefused`."""
        challenge = await self._consume(tx, "registration", answer, bound_to, now)
        passkey = verify_registration(
            answer,
            expected_party=self._party,
            expected_challenge=challenge,
            user_id=user_id,
            label=label,
            now=now,
        )
        if not await self._storage.add_passkey(tx, passkey):
            raise PasskeyRefused("this credential is registered already")
        return passkey

    async def _challenge(self, tx: Transaction, ceremony: Ceremony, bound_to: str, now: datetime) -> bytes:
        challenge = self._entropy.token(CHALLENGE_SIZE).encode()
        await self._storage.add_challenge(tx, challenge_digest(challenge), ceremony, bound_to, now + CHALLENGE_LIFETIME)
        return challenge

    async def _consume(self, tx: Transaction, ceremony: Ceremony, answer: str, bound_to: str, now: datetime) -> bytes:
        challenge = challenge_of(answer)
        if not await self._storage.consume_challenge(tx, challenge_digest(challenge), ceremony, bound_to, now):
            raise PasskeyRefused("not our challenge, or used up, or too late")
        return challenge
