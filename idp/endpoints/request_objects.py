"""Where an authorization request really stands: in its own parameters, or in a request object (RFC 9101)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from config.clock import Clock
from config.outbound import Fetch, NotFetched
from config.problem import Problem
from idp.authorization.trust import Parameters, RequestError, given
from idp.clients.client import Client
from idp.clients.client_keys import check_by_keys
from idp.credentials.throttle import Allowance, Throttle, address_subject
from idp.protocol import fapi2, request_object
from jose.foreign import ALGORITHMS, ForeignToken
from jose.jws import MAX_LENGTH, InvalidToken, Refusal
from jose.published_keys import PublishedKeys

FETCHES_OF_ADDRESS = Allowance("request-uri-address", 300, 900)
"""Request objects that one address has us fetch."""

_NO_JWT: Final = "the request object is no signed JWT"
_NOT_ITS_KEY: Final = "the request object is not signed by a key that is registered of this client"
_WRONG: Final[Mapping[Refusal, str]] = {
    Refusal.ALGORITHM: "the request object must be signed by an algorithm that is registered of this client",
    Refusal.CRITICAL: "the request object holds a critical header that is not understood",
    Refusal.CLAIMS: "the request object has no readable claims",
    Refusal.SIGNATURE: _NOT_ITS_KEY,
    Refusal.UNKNOWN_KEY: _NOT_ITS_KEY,
}

_log = structlog.get_logger(__name__)


class RequestObjects:
    """Unfolds them, for one issuer."""

    def __init__(self, *, keys: PublishedKeys, fetch: Fetch, throttle: Throttle, issuer: str, clock: Clock) -> None:
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
            body = await self._fetch(request_uri, most=MAX_LENGTH)
            return body.decode("ascii").strip()
        except (NotFetched, ValueError) as error:
            _log.info("request_object_not_fetched", client_id=client.client_id, error=str(error))
            raise RequestError("invalid_request_uri", "there is no request object at request_uri") from None

    async def _opened(
        self, token: str, client: Client, algorithms: Sequence[str], *, backchannel: bool = False
    ) -> Parameters:
        try:
            found = ForeignToken(token, algorithms=algorithms)
            await check_by_keys(client, self._keys, lambda known: found.check_signature(known.keys))
            return request_object.parameters(
                found,
                client_id=client.client_id,
                issuer=self._issuer,
                now=self._clock.timestamp(),
                bounded=fapi2.is_bound(client),
                backchannel=backchannel,
            )
        except InvalidToken as error:
            raise RequestError("invalid_request_object", _WRONG.get(error.refusal, _NO_JWT)) from None
        except request_object.InvalidRequestObject as error:
            raise RequestError("invalid_request_object", str(error)) from None


def _allowed(client: Client, registered: str | None) -> Sequence[str]:
    allowed = fapi2.ALGORITHMS if fapi2.is_bound(client) else ALGORITHMS
    return allowed if registered is None else [alg for alg in allowed if alg == registered]
