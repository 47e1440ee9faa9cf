"""Remembered browsers at the rim: the cookie, whom it names, its next secret, and what follows when it was copied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.entropy import Entropy
from idp.credentials.remembered import (
    SECRET_SIZE,
    Remembered,
    RememberedStorage,
    cookie_value,
    new_remembered,
    read_cookie,
)
from idp.devices.device import Device, DeviceStorage
from idp.devices.identification import DEVICE_COOKIE, DEVICE_COOKIE_AGE, cookie_hash, label_browser
from idp.directory.account import Account, Directory
from idp.endpoints.login.arrivals import COOKIE_SIZE
from idp.endpoints.login.login_page import record_attempt
from idp.endpoints.sign_in.way_in_notices import WayInNotices
from notifications.notice import NoticeKind

REMEMBERED_COOKIE = "__Host-munjigi-remembered"


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whose turn it is at this browser; nothing is proven by it."""

    account: Account
    kept: Remembered
    doubled: bool
    """The browser sent the same request twice: it has the next secret from the first."""


NotRecognised = Literal["nobody", "forgotten", "stolen"]
"""No cookie; one that says nothing any more; one that was copied."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Cookies that the browser is given; an empty value takes one away."""

    cookies: tuple[tuple[str, str, int], ...] = ()
    """Name, value, age in seconds."""

    def put_on(self, response: Response) -> None:
        """Set them on an answer."""
        for name, value, age in self.cookies:
            response.set_cookie(name, value, max_age=age, path="/", secure=True, httponly=True, samesite="lax")


FORGET = Keep(((REMEMBERED_COOKIE, "", 0),))
NOTHING = Keep()


class Remembering:
    """Recognises browsers, and remembers them."""

    def __init__(
        self,
        *,
        storage: RememberedStorage,
        devices: DeviceStorage,
        directory: Directory,
        notices: WayInNotices,
        entropy: Entropy,
    ) -> None:
        self._storage = storage
        self._devices = devices
        self._directory = directory
        self._notices = notices
        self._entropy = entropy

    async def recognise(self, tx: Transaction, request: Request, now: datetime) -> Recognised | NotRecognised:
        """Whose turn it is. A copied secret makes all remembered browsers of its person fall, in `tx`."""
        sent = request.cookies.get(REMEMBERED_COOKIE)
        if not sent:
            return "nobody"
        read = read_cookie(sent)
        kept = await self._storage.claim(tx, read[0], now) if read is not None else None
        if read is None or kept is None:
            return "forgotten"
        verdict = kept.judge(read[1], now)
        if verdict == "stolen":
            await self._fall(tx, request, kept, now)
            return "stolen"
        account = await self._directory.account(tx, kept.user_id)
        if account is None or not account.may_sign_in or not await self._is_device(tx, request, kept):
            return "forgotten"
        return Recognised(account, kept, doubled=verdict == "doubled")

    async def next(self, tx: Transaction, recognised: Recognised, now: datetime) -> Keep:
        """After a quick sign-in: the next secret."""
        if recognised.doubled:
            return NOTHING
        secret = self._entropy.token(SECRET_SIZE)
        rotated = recognised.kept.rotated(secret, now)
        await self._storage.rotate(tx, rotated)
        return Keep((_remembered_cookie(rotated, secret, now),))

    async def remember(
        self, tx: Transaction, request: Request, person: UUID, now: datetime, *, instead_of: Recognised | None
    ) -> Keep:
        """Remember this browser for a person who wants it; it counts once they have had a session on it."""
        if instead_of is not None and instead_of.kept.user_id != person:
            await self._storage.forget(tx, instead_of.kept.user_id, instead_of.kept.series)
        device, cookie = await self._meet(tx, request, person, now)
        secret = self._entropy.token(SECRET_SIZE)
        kept = new_remembered(self._entropy.uuid(), person, device.id, secret, now)
        await self._storage.remember(tx, kept)
        await record_attempt(
            tx, request, Kind.BROWSER_REMEMBERED, subject=str(person), details={"device": str(device.id)}
        )
        new_device = ((DEVICE_COOKIE, cookie, DEVICE_COOKIE_AGE),) if cookie is not None else ()
        return Keep((_remembered_cookie(kept, secret, now), *new_device))

    async def poke(self) -> None:
        """After a commit that may have told somebody something; never fails."""
        await self._notices.poke()

    async def _is_device(self, tx: Transaction, request: Request, kept: Remembered) -> bool:
        digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
        device = await self._devices.find(tx, kept.user_id, digest) if digest is not None else None
        return device is not None and device.id == kept.device_id and device.sign_ins > 0

    async def _meet(self, tx: Transaction, request: Request, person: UUID, now: datetime) -> tuple[Device, str | None]:
        cookie = None
        digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
        if digest is None:
            cookie = self._entropy.token(COOKIE_SIZE)
            digest = cookie_hash(cookie)
            assert digest is not None
        unmet = Device(
            id=self._entropy.uuid(),
            user_id=person,
            trust="unknown",
            label=label_browser(request.headers).device,
            sign_ins=0,
            first_seen_at=now,
            last_seen_at=now,
        )
        return await self._devices.meet(tx, unmet, digest), cookie

    async def _fall(self, tx: Transaction, request: Request, kept: Remembered, now: datetime) -> None:
        fallen = await self._storage.forget_person(tx, kept.user_id)
        details = {"series": str(kept.series), "fallen": fallen}
        await record_attempt(tx, request, Kind.REMEMBERED_STOLEN, subject=str(kept.user_id), details=details)
        account = await self._directory.account(tx, kept.user_id)
        if account is not None:
            await self._notices.happened(tx, request, account, NoticeKind.REMEMBERED_STOLEN, now)


def _remembered_cookie(kept: Remembered, secret: str, now: datetime) -> tuple[str, str, int]:
    age = int((kept.expires_at - now).total_seconds())
    return REMEMBERED_COOKIE, cookie_value(kept.series, secret), age
