"""How a client's proof is gathered for the core: its keys fetched, its assertion used once only."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from authlib.oauth2.rfc6749 import InvalidClientError

from config.clock import Clock
from config.replays import NotRemembered, Replays
from idp.clients.authentication import PRIVATE_KEY, CoreRequest, Evidence, authenticate
from idp.clients.client import Client
from idp.clients.client_keys import check_by_keys
from idp.clients.private_key_jwt import Assertion
from idp.clients.tls_client_auth import SELF_SIGNED, Authorities, ClientCertificate
from idp.endpoints.oauth_answers import NotNow
from jose.foreign import ForeignToken, UnknownKey
from jose.published_keys import KeySet, PublishedKeys

_NO_KEYS: Final = KeySet(())


class ClientProofs:
    """For one issuer; `addresses` are those of its token endpoint, which an assertion may be meant for."""

    def __init__(
        self,
        *,
        issuer: str,
        addresses: Collection[str],
        keys: PublishedKeys,
        authorities: Authorities | None,
        replays: Replays,
        clock: Clock,
    ) -> None:
        self._issuer = issuer
        self._addresses = frozenset(addresses)
        self._keys = keys
        self._authorities = authorities
        self._replays = replays
        self._clock = clock

    async def check(
        self,
        core: CoreRequest,
        client: Client | None,
        endpoint: str,
        assertion: ForeignToken | None,
        certificate: ClientCertificate | None,
    ) -> Client:
        """The client, once it has proven itself. Raises Authlib's `InvalidClientError`, and `NotNow`."""

        def prove(keys: KeySet) -> Assertion | None:
            evidence = Evidence(
                issuer=self._issuer,
                addresses=self._addresses,
                now=self._clock.now(),
                keys=keys,
                assertion=assertion,
                certificate=certificate,
                authorities=self._authorities,
            )
            return authenticate(core, client, endpoint, evidence)

        shown = {PRIVATE_KEY: assertion, SELF_SIGNED: certificate}
        try:
            if client is not None and shown.get(client.auth_method) is not None:
                used = await check_by_keys(client, self._keys, prove)
            else:
                used = prove(_NO_KEYS)
        except UnknownKey:
            raise InvalidClientError(status_code=401) from None
        proven: Client = core.client.client
        if used is not None and not await self._is_first(proven, used):
            raise InvalidClientError(status_code=401)
        return proven

    async def _is_first(self, client: Client, assertion: Assertion) -> bool:
        try:
            return await self._replays.is_first(
                f"{client.client_id}\0{assertion.jti}",
                made_at=assertion.made_at,
                good_until=assertion.good_until,
                now=self._clock.timestamp(),
            )
        except NotRemembered as error:
            raise NotNow(error.wait) from None
