"""Where an authorization request really stands: in its own parameters, or in a request object (RFC 9101)."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from config.clock import Clock
from config.problem import Problem
from idp.authorization.trust import Parameters, RequestError, given
from idp.clients.client import Client
from idp.clients.client_keys import ClientKeys
from idp.clients.outbound import Fetch, Unreachable
from idp.credentials.throttle import Allowance, Throttle, address_subject
from idp.protocol import client_jwt, fapi2, request_object

FETCHES_OF_ADDRESS = Allowance("request-uri-address", 300, 900)
"""Request objects that one address has us fetch."""

_log = structlog.get_logger(__name__)


class RequestObjects:
    """Unfolds them, for one issuer."""

    def __init__(self, *, keys: ClientKeys, fetch: Fetch, throttle: Throttle, issuer: str, clock: Clock) -> None:
        self._keys = keys
        self._fetch = fetch
        self._throttle = throttle
        self._issuer = issuer
        self._clock = clock

    async def unfolded(self, parameters: Parameters, client: Client, ip: str) -> tuple[Parameters, bool]:
        """The parameters that count, and whether the client signed them. Raises `RequestError`, and `Problem`.

        Of a request with an object only what the object says counts (section 6.3); `client_id` was read before.
        """
        by_value, by_reference = given(parameters, "request"), given(parameters, "request_uri")
        if by_value is not None and by_reference is not None:
            raise RequestError("invalid_request", "request and request_uri exclude each other")
        if by_reference is not None:
            by_value = await self._fetched(by_reference, client, ip)
        if by_value is None:
            return parameters, False
        algorithms = _allowed(client, client.metadata.request_object_signing_alg)
        return await self._opened(by_value, client, algorithms), True

    async def signed_backchannel(self, token: str, client: Client) -> Parameters:
        """What a signed request of CIBA says (CIBA Core 1.0, section 7.1.1). Raises `RequestError`."""
        registered = client.metadata.backchannel_authentication_request_signing_alg
        return await self._opened(token, client, _allowed(client, registered), backchannel=True)

    async def _fetched(self, request_uri: str, client: Client, ip: str) -> str:
        if request_uri not in client.metadata.request_uris:
            raise RequestError("invalid_request_uri", "request_uri is not registered of this client, or is over")
        try:
            await self._throttle.attempt(FETCHES_OF_ADDRESS, address_subject(ip))
        except Problem as problem:
            raise RequestError("temporarily_unavailable", problem.kind.title) from problem
        try:
            body = await self._fetch.get(request_uri, largest=client_jwt.LONGEST)
            return body.decode("ascii").strip()
        except (Unreachable, ValueError) as error:
            _log.info("request_object_not_fetched", client_id=client.client_id, error=str(error))
            raise RequestError("invalid_request_uri", "there is no request object at request_uri") from None

    async def _opened(
        self, token: str, client: Client, algorithms: Sequence[str], *, backchannel: bool = False
    ) -> Parameters:
        try:
            header = client_jwt.header(token, algorithms=algorithms)
        except client_jwt.InvalidClientJwt as error:
            raise RequestError("invalid_request_object", f"the request object {error}") from None
        keys = await self._keys.find(client, header.kid, header.alg)
        try:
            return request_object.parameters(
                token,
                keys,
                algorithms=algorithms,
                client_id=client.client_id,
                issuer=self._issuer,
                now=self._clock.timestamp(),
                bounded=fapi2.is_bound(client),
                backchannel=backchannel,
            )
        except request_object.InvalidRequestObject as error:
            raise RequestError("invalid_request_object", str(error)) from None


def _allowed(client: Client, registered: str | None) -> Sequence[str]:
    allowed = fapi2.ALGORITHMS if fapi2.is_bound(client) else client_jwt.ALGORITHMS
    return allowed if registered is None else [alg for alg in allowed if alg == registered]
