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
from config.web import correlation_id
from idp.credentials.remembered import (
    SECRET_SIZE,
    Remembered,
    RememberedStorage,
    Verdict,
    cookie_value,
    new_remembered,
    read_cookie,
)
from idp.devices.device import DeviceStorage
from idp.devices.identification import DEVICE_COOKIE, cookie_hash
from idp.directory.account import Account, Directory
from idp.endpoints.login.login_page import record_attempt
from idp.endpoints.sign_in.way_in_notices import WayInNotices
from idp.sessions.one_session import OneSession
from notifications.notice import NoticeKind

REMEMBERED_COOKIE = "__Host-munjigi-remembered"


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whose turn it is at this browser; nothing is proven by it."""

    account: Account
    kept: Remembered
    verdict: Verdict
    """`doubled`: the browser sent the same request twice, and has the next secret from the first."""


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
        one_session: OneSession,
        notices: WayInNotices,
        entropy: Entropy,
    ) -> None:
        self._storage = storage
        self._devices = devices
        self._directory = directory
        self._one_session = one_session
        self._notices = notices
        self._entropy = entropy

    async def recognise(self, tx: Transaction, request: Request, now: datetime) -> Recognised | NotRecognised:
        """Whose turn it is. Of a copied secret only this is said; what follows from it is `fall`."""
        if not request.cookies.get(REMEMBERED_COOKIE):
            return "nobody"
        kept, verdict = await self._judged(tx, request, now)
        if kept is None:
            return "forgotten"
        if verdict == "stolen":
            return "stolen"
        account = await self._directory.account(tx, kept.user_id)
        if account is None or not account.may_sign_in or not await self._is_device(tx, request, kept):
            return "forgotten"
        if verdict == "good" and kept.seen_at is None:
            kept = kept.seen(now)
            await self._storage.rotate(tx, kept)
        return Recognised(account, kept, verdict)

    async def fall(self, tx: Transaction, request: Request, now: datetime) -> None:
        """A secret was copied: the person's session ends, all of their remembered browsers fall, and they are told.

        In a transaction of its own: whoever ends a session locks its person first, as a new password does.
        """
        read = read_cookie(request.cookies.get(REMEMBERED_COOKIE))
        suspected = await self._storage.find(tx, read[0], now) if read is not None else None
        if suspected is None:
            return
        ended = await self._one_session.end_person(
            tx, suspected.user_id, "response", correlation_id=correlation_id(request)
        )
        kept, verdict = await self._judged(tx, request, now)
        if kept is None or verdict != "stolen":  # it fell a moment ago, by the same request sent twice
            return
        fallen = await self._storage.forget_person(tx, kept.user_id)
        details = {"series": str(kept.series), "fallen": fallen}
        sid = ended.sid if ended is not None else ""
        await record_attempt(tx, request, Kind.REMEMBERED_STOLEN, subject=str(kept.user_id), sid=sid, details=details)
        account = await self._directory.account(tx, kept.user_id)
        if account is not None:
            await self._notices.happened(tx, request, account, NoticeKind.REMEMBERED_STOLEN, now)

    async def next(self, tx: Transaction, recognised: Recognised, now: datetime) -> Keep:
        """After a quick sign-in: the next secret."""
        if recognised.verdict == "doubled":
            return NOTHING
        secret = self._entropy.token(SECRET_SIZE)
        rotated = recognised.kept.rotated(secret, now, late=recognised.verdict == "late")
        await self._storage.rotate(tx, rotated)
        return Keep((_remembered_cookie(rotated, secret, now),))

    async def begun(
        self, tx: Transaction, request: Request, person: UUID, device_id: UUID | None, now: datetime, *, wanted: bool
    ) -> Keep:
        """A session began on this device, or was joined: the browser is remembered from now on, if its person wants it.

        One that is remembered already shows that it has its newest secret.
        """
        before, verdict = await self._judged(tx, request, now)
        if not wanted or device_id is None:
            if before is not None and verdict == "good" and before.seen_at is None:
                await self._storage.rotate(tx, before.seen(now))
            return NOTHING
        if before is not None and verdict != "stolen" and before.user_id != person:
            await self._storage.forget(tx, before.user_id, before.series)
        secret = self._entropy.token(SECRET_SIZE)
        kept = new_remembered(self._entropy.uuid(), person, device_id, secret, now)
        await self._storage.remember(tx, kept)
        await record_attempt(
            tx, request, Kind.BROWSER_REMEMBERED, subject=str(person), details={"device": str(device_id)}
        )
        return Keep((_remembered_cookie(kept, secret, now),))

    async def poke(self) -> None:
        """After a commit that may have told somebody something; never fails."""
        await self._notices.poke()

    async def _is_device(self, tx: Transaction, request: Request, kept: Remembered) -> bool:
        digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
        device = await self._devices.find(tx, kept.user_id, digest) if digest is not None else None
        return device is not None and device.id == kept.device_id and device.sign_ins > 0

    async def _judged(self, tx: Transaction, request: Request, now: datetime) -> tuple[Remembered | None, Verdict]:
        """The series of the browser's cookie, locked, and what its secret says; `None`: there is none (any more)."""
        read = read_cookie(request.cookies.get(REMEMBERED_COOKIE))
        kept = await self._storage.claim(tx, read[0], now) if read is not None else None
        return (kept, kept.judge(read[1], now)) if read is not None and kept is not None else (None, "good")


def _remembered_cookie(kept: Remembered, secret: str, now: datetime) -> tuple[str, str, int]:
    age = int((kept.expires_at - now).total_seconds())
    return REMEMBERED_COOKIE, cookie_value(kept.series, secret), age
