"""Whose browser this is, for the pages of approving: known by its device cookie, never by a session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from config.connections import Transaction
from idp.devices.identification import DEVICE_COOKIE, cookie_hash
from idp.factors.push_approval import ApprovalDevice, ApprovalDevices, ApprovalRequest, ApprovalRequests


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the device of this browser that may answer it."""

    request: ApprovalRequest
    device: ApprovalDevice


class OwnDevices:
    """Looks at what this browser may answer."""

    def __init__(self, devices: ApprovalDevices, requests: ApprovalRequests) -> None:
        self._devices = devices
        self._requests = requests

    async def of(self, tx: Transaction, request: Request) -> list[ApprovalDevice]:
        """The devices that this browser is: one for each person who set it up."""
        digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
        return await self._devices.in_browser(tx, digest) if digest is not None else []

    async def waiting(self, tx: Transaction, devices: list[ApprovalDevice], now: datetime) -> list[Asked]:
        """What waits for them, the oldest first; nothing that this very browser wants."""
        found = [
            Asked(asked, device)
            for device in devices
            for asked in await self._requests.waiting_for(tx, device.user_id, now)
            if asked.asked_by != device.device_id
        ]
        return sorted(found, key=lambda one: (one.request.created_at, str(one.request.id)))
