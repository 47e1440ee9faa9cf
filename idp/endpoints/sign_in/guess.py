"""A guess at a password: the same steps, in the same order and time, whether or not anybody has the name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from starlette.requests import Request

from config.connections import Database, Transaction
from idp.credentials.password import PasswordPool, PasswordStorage
from idp.credentials.throttle import Limit, Throttle, guesses
from idp.devices.device import Device, DeviceStorage
from idp.devices.identification import DEVICE_COOKIE, cookie_hash
from idp.directory.account import Account, Directory
from idp.endpoints.whereabouts import client_ip

NOBODY = UUID(int=0)
"""Who is looked up where nobody has the name, so that it takes as long."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What came of comparing; it is believed only once `Guesses.stands` says that nothing changed meanwhile."""

    account: Account | None
    stored: str | None
    correct: bool
    stronger_hash: str | None
    counted: Sequence[tuple[Limit, str]]
    password: str = field(repr=False)


class Guesses:
    """Compares what is typed with what is kept, as often as the throttle lets it."""

    def __init__(
        self,
        *,
        directory: Directory,
        passwords: PasswordStorage,
        devices: DeviceStorage,
        pool: PasswordPool,
        throttle: Throttle,
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._devices = devices
        self._pool = pool
        self._throttle = throttle

    async def take(self, database: Database, request: Request, name: str | None, password: str) -> Guess:
        """Count a guess, and compare it. `name` is in its normal form. Raises `TooMany` and `OVERLOADED`."""
        async with database.connect() as tx:
            account = await self._directory.account_by_login_name(tx, name) if name is not None else None
            person = account.id if account is not None else NOBODY
            digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
            device = await self._devices.find(tx, person, digest) if digest is not None else None
            stored = await self._passwords.password_hash(tx, person)
        known_device = await self._known_device(person, device, digest)
        counted = guesses(name or "", client_ip(request), known_device)
        await self._throttle.attempt_all(counted)
        verified = await self._pool.verify(password, stored)
        return Guess(account, stored, verified.correct, verified.stronger_hash, counted, password)

    async def stands(self, tx: Transaction, guess: Guess) -> bool:
        """Whether it was right and still is: the password that was compared is still the person's.

        A stronger hash of it takes its place. Where another login was quicker to do that, the hash is another one and
        the password may be the same: it is compared once more.
        """
        if not guess.correct or guess.account is None or guess.stored is None:
            return False
        person = guess.account.id
        if guess.stronger_hash is not None:
            if await self._passwords.replace_hash(tx, person, guess.stored, guess.stronger_hash):
                return True
        elif await self._passwords.password_hash(tx, person) == guess.stored:
            return True
        now = await self._passwords.password_hash(tx, person)
        return now is not None and (await self._pool.verify(guess.password, now)).correct

    async def was_right(self, guess: Guess) -> None:
        """Give what was counted back; after the commit."""
        await self._throttle.all_right(guess.counted)

    async def _known_device(self, person: UUID, device: Device | None, digest: bytes | None) -> UUID | None:
        """This browser, where the person got a session or was let in by recovery; nobody gets there by trying."""
        if device is not None and device.sign_ins > 0:
            return device.id
        if digest is not None and await self._throttle.vouched(str(person), digest):
            return UUID(bytes=digest[:16])
        return None
