"""A new key for the policy: what is published is signed anew, for a policy does not expire, but its key does.

The signature that is replaced must be sound by the keys that were believed until now: nothing becomes trusted here that
was not.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

import structlog

from config.connections import Transaction
from jose.keys import PublicKeys, SigningKey
from policy.signature import UntrustedArtefact, believed, sign
from policy.versions import Version, verified

_log = structlog.get_logger(__name__)


class Published(Protocol):
    """Where the published version is; `policy.storage.versions` is it."""

    async def hold(self, tx: Transaction) -> None:
        """Wait until nobody publishes, and keep others waiting until the transaction ends."""

    async def current(self, tx: Transaction) -> Version | None:
        """The published version."""

    async def sign_anew(self, tx: Transaction, number: int, signature: str) -> None:
        """Replace the signature of the published version."""


class Succession:
    """`jose.key_keeper.Succession` of purpose `policy`."""

    def __init__(self, versions: Published) -> None:
        self._versions = versions

    async def __call__(self, tx: Transaction, before: PublicKeys, active: SigningKey, now: datetime) -> None:
        await self._versions.hold(tx)
        found = await self._versions.current(tx)
        if found is None:
            return
        try:
            await asyncio.to_thread(verified, found, before, now=now.timestamp())
        except UntrustedArtefact as error:
            _log.error("policy_not_signed_anew", version=found.number, reason=str(error))
            return
        signed = believed(found.signature, found.number, before, now=now.timestamp())
        signature = sign(active, found.number, signed.sha256, now.timestamp(), compiled=signed.compiled)
        await self._versions.sign_anew(tx, found.number, signature)
