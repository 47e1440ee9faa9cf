"""Second factors that come: an app is begun and confirmed, a passkey is kept, the first saved codes are made.

The account's pages and the step of a login that leads people to a second factor (`enrol`) both do it by this.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import pyotp
from starlette.requests import Request

from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from config.web import correlation_id
from idp.devices.identification import label_browser
from idp.directory.account import Account
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.factors import totp
from idp.factors.passkey import Passkey
from idp.factors.recovery_code import RecoveryCodeStorage, digest_of, new_codes
from idp.factors.requirement import FactorKind
from idp.factors.totp import Authenticator, TotpStorage
from idp.sessions.signals.changes import ChangeSignals, CredentialChange, passkey_type
from pages.qr_code import qr_code

LABEL_LONGEST = 64
"""Characters of what a person calls a factor."""

AppAdded = Literal["added", "wrong_code", "none_begun"]


@dataclass(frozen=True, slots=True)
class ShownSecret:
    """A secret that an app is to take, as a page shows it."""

    qr_code: str
    """A `data:` address."""
    letters: str
    """In groups of four, to be typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFactors:
    """Adds factors within the caller's transaction; the caller records it and tells the person."""

    authenticators: TotpStorage
    passkeys: PasskeyCeremonies
    codes: RecoveryCodeStorage
    signals: ChangeSignals
    envelope: Envelope
    entropy: Entropy
    clock: Clock
    issuer_name: str

    async def begin_app(self, tx: Transaction, account: Account) -> ShownSecret:
        """A new secret, in place of one that was begun before."""
        secret, ident = pyotp.random_base32(), self.entropy.uuid()
        authenticator = Authenticator(
            id=ident,
            user_id=account.id,
            label=f"{self.issuer_name} · {account.login_name}",
            sealed_secret=self.envelope.seal(secret.encode(), totp.context(ident)),
            last_accepted_step=0,
            created_at=self.clock.now(),
            confirmed_at=None,
        )
        await self.authenticators.begin_enrolment(tx, authenticator)
        return self._shown(account, secret)

    async def begun_app(self, tx: Transaction, account: Account) -> ShownSecret | None:
        """The secret that was begun last, to show it again after a wrong code."""
        pending = await self.authenticators.pending(tx, account.id)
        return self._shown(account, self._secret(pending)) if pending is not None else None

    async def may_begin_app(self, tx: Transaction, account: Account) -> bool:
        """Whether the person has fewer apps than one may have."""
        return len(await self.authenticators.authenticators(tx, account.id)) < totp.MOST

    async def confirm_app(
        self, tx: Transaction, request: Request, account: Account, code: str, label: str = ""
    ) -> AppAdded:
        """Take the first code of the app that was begun last. `label`: what its person calls it."""
        pending = await self.authenticators.pending(tx, account.id)
        if pending is None:
            return "none_begun"
        step = totp.matching_step(self._secret(pending), code, last_accepted_step=0, now=self.clock.timestamp())
        if step is None or not await self.authenticators.accept_step(tx, pending.id, step):
            return "wrong_code"
        name = given_name(label)
        await self.authenticators.confirm(tx, pending.id, self.clock.now(), name)
        change = CredentialChange("app", "create", "added", name or pending.label)
        await self.signals.credential_changed(tx, account.id, change, correlation_id(request))
        return "added"

    async def add_passkey(
        self, tx: Transaction, request: Request, account: Account, answer: str, label: str, *, bound_to: str
    ) -> Passkey:
        """Keep the passkey that an authenticator made. Raises `PasskeyRefused`, of it `KeyNotTaken`."""
        device, typed = label_browser(request.headers).device, given_name(label)
        passkey = await self.passkeys.register(
            tx,
            answer,
            user_id=account.id,
            # where nobody chose a name the model's own says more than that of the browser
            label="" if typed == device else typed,
            otherwise=device or account.login_name,
            bound_to=bound_to,
            now=self.clock.now(),
        )
        kind = passkey_type(passkey.transports)
        change = CredentialChange(kind, "create", "added", passkey.label, passkey.aaguid)
        await self.signals.credential_changed(tx, account.id, change, correlation_id(request))
        return passkey

    async def first_codes(
        self, tx: Transaction, request: Request, user_id: UUID, enrolled: Collection[FactorKind]
    ) -> tuple[str, ...] | None:
        """Codes for somebody who just got their first second factor; `None` for everybody else."""
        return await self.make_codes(tx, request, user_id) if not enrolled else None

    async def make_codes(self, tx: Transaction, request: Request, user_id: UUID) -> tuple[str, ...]:
        """New codes; those before them work no more."""
        made = new_codes(self.entropy)
        before = await self.codes.left(tx, user_id)
        change = CredentialChange("recovery-code", "update" if before else "create", "codes_made")
        await self.signals.credential_changed(tx, user_id, change, correlation_id(request))
        digests = [digest for code in made if (digest := digest_of(user_id, code)) is not None]
        await self.codes.replace(tx, user_id, digests, self.clock.now())
        return made

    def _secret(self, app: Authenticator) -> str:
        return self.envelope.open(app.sealed_secret, totp.context(app.id)).decode()

    def _shown(self, account: Account, secret: str) -> ShownSecret:
        uri = totp.provisioning_uri(secret, login_name=account.login_name, issuer=self.issuer_name)
        letters = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        return ShownSecret(qr_code(uri), letters)


def given_name(typed: str) -> str:
    """What a person calls a factor, as it is kept; empty: they called it nothing."""
    return " ".join("".join(filter(str.isprintable, typed)).split())[:LABEL_LONGEST]
