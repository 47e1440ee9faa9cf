"""`POST /approvals/subscription`: a browser's push service gave it another address, and its key says so."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from config.connections import Database
from config.envelope import Envelope
from idp.endpoints.approvals.own_devices import OwnDevices
from idp.endpoints.approvals.page import signature_of
from idp.endpoints.login.hops import Hops
from idp.endpoints.login.login_page import read_fields
from idp.factors.push_approval import ApprovalDevices, subscription_words, verifies
from idp.factors.push_courier import context
from notifications.web_push.subscription import WrongSubscription, read_subscription


class SubscriptionEndpoint:
    """Takes it for those devices of this browser whose key signed it."""

    def __init__(
        self,
        *,
        own: OwnDevices,
        devices: ApprovalDevices,
        hops: Hops,
        envelope: Envelope,
        database: Database,
        origin: str,
    ) -> None:
        self._own = own
        self._devices = devices
        self._hops = hops
        self._envelope = envelope
        self._database = database
        self._origin = origin

    async def __call__(self, request: Request) -> Response:
        self._hops.refuse_foreign(request)
        form = await read_fields(request)
        said, signature = form.get("subscription", ""), signature_of(form.get("signature", ""))
        try:
            subscription = read_subscription(said)
        except WrongSubscription:
            return Response(status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        taken = False
        async with self._database.begin() as tx:
            for device in await self._own.of(tx, request):
                if not verifies(device.public_key, signature, subscription_words(device, said, origin=self._origin)):
                    continue
                sealed = self._envelope.seal(said.encode(), context(device.id))
                await self._devices.subscribe(tx, device.id, sealed, subscription.host)
                taken = True
        return Response(status_code=HTTPStatus.NO_CONTENT if taken else HTTPStatus.FORBIDDEN)
