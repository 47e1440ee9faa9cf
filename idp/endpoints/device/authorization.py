"""`POST /device_authorization` (RFC 8628, section 3.1): a device that has no browser asks for a code to show.

One that can show a picture and cannot draw a QR code (section 3.3.1) asks for it with `qr_code=svg`: it comes in the
answer that has the code anyway, so no address has to carry the code for its sake.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidScopeError, UnauthorizedClientError
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from config.web import correlation_id
from idp.clients.client import Client
from idp.credentials.throttle import DEVICES_OF_ADDRESS, Throttle, address_subject
from idp.endpoints.client_requests import ClientRequest, ClientRequests, address
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.oauth_answers import oauth_answer, oauth_error
from idp.endpoints.whereabouts import client_ip
from idp.grants.device_code import DEVICE_CODE
from idp.grants.grant import InvalidTargetError
from idp.grants.pending import CODE_SIZE, INTERVAL, PendingGrant, PendingGrants, code_hash
from idp.grants.user_code import new_user_code, shown
from idp.protocol import resource
from idp.protocol.described import Described, InvalidScope
from idp.protocol.scopes import split
from idp.resources.described_servers import DescribedCache
from pages.qr_code import qr_code

LIFETIME: Final = timedelta(minutes=10)
"""How long a person may take to find the page and to sign in."""
PAGE: Final = "/device"


class DeviceAuthorizationEndpoint:
    """Keeps what waits, and says what to show."""

    def __init__(
        self,
        *,
        requests: ClientRequests,
        described: DescribedCache,
        pending: PendingGrants,
        throttle: Throttle,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        issuer: str,
    ) -> None:
        self._requests = requests
        self._described = described
        self._pending = pending
        self._throttle = throttle
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._page = issuer + PAGE

    async def __call__(self, request: Request) -> Response:
        try:
            asked = await self._requests.read(request, "device_authorization")
            if DEVICE_CODE not in asked.client.grant_types:
                raise UnauthorizedClientError("the client has not registered this grant_type")
            asked.refuse_details()
            scope, resources = wanted(asked, await self._described.of(asked.client))
        except OAuth2Error as error:
            return oauth_error(request, error)
        await self._throttle.attempt(DEVICES_OF_ADDRESS, address_subject(client_ip(request)))
        device_code, user_code = self._entropy.token(CODE_SIZE), new_user_code(self._entropy)
        await self._keep(request, asked.client, scope, resources, device_code, user_code)
        complete = f"{self._page}?{urlencode({'user_code': shown(user_code)})}"
        answer: dict[str, object] = {
            "device_code": device_code,
            "user_code": shown(user_code),
            "verification_uri": self._page,
            "verification_uri_complete": complete,
            "expires_in": int(LIFETIME.total_seconds()),
            "interval": int(INTERVAL.total_seconds()),
        }
        if asked.form.get("qr_code") == "svg":
            answer["verification_uri_qr_code"] = qr_code(complete)
        return oauth_answer(answer)

    async def _keep(
        self,
        request: Request,
        client: Client,
        scope: tuple[str, ...],
        resources: tuple[str, ...],
        device_code: str,
        user_code: str,
    ) -> None:
        now = self._clock.now()
        pending = PendingGrant(
            code_hash=code_hash(device_code),
            client_id=client.client_id,
            scope=scope,
            resources=resources,
            user_code_hash=code_hash(user_code),
            user_id=None,
            came_from=visitor(request, None).told(),
            created_at=now,
            expires_at=now + LIFETIME,
            interval=INTERVAL,
        )
        async with self._database.begin() as tx:
            await self._pending.add(tx, pending)
            event = AuditEvent(
                kind=Kind.DEVICE_ASKED,
                correlation_id=correlation_id(request),
                actor=client.client_id,
                ip=address(request),
            )
            await record(tx, event)


def wanted(asked: ClientRequest, described: Described) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is asked for, or all that the client registered and a person may give there; and where the tokens are to be
    good (RFC 8707, section 2). Raises Authlib's `InvalidScopeError`, and `InvalidTargetError`.
    """
    client, named = asked.client, asked.form.get("scope")
    scope = split(named or "")
    if not set(scope) <= set(client.scopes):
        raise InvalidScopeError("the client has not registered all of this scope")
    try:
        targets = described.targets(asked.resources, client.metadata.resources, scope)
        if named is None:
            return described.fitting(client.scopes, targets, "people"), targets
        described.check(scope, targets, "people")
    except resource.InvalidTarget as error:
        raise InvalidTargetError(str(error)) from None
    except InvalidScope as error:
        raise InvalidScopeError(str(error)) from None
    return scope, targets
