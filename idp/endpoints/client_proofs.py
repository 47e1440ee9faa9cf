"""How a client's proof is gathered for the core: its keys fetched, its assertion used once only."""

from __future__ import annotations

from collections.abc import Collection

from authlib.oauth2.rfc6749 import InvalidClientError

from config.clock import Clock
from config.replays import Replays
from idp.clients.authentication import PRIVATE_KEY, CoreRequest, Evidence, LacksKey, authenticate
from idp.clients.client import Client
from idp.clients.client_keys import ClientKeys
from idp.clients.private_key_jwt import Assertion
from idp.clients.tls_client_auth import SELF_SIGNED, Authorities, ClientCertificate
from jose.foreign import ForeignToken


class ClientProofs:
    """For one issuer; `addresses` are those of its token endpoint, which an assertion may be meant for."""

    def __init__(
        self,
        *,
        issuer: str,
        addresses: Collection[str],
        keys: ClientKeys,
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
        """The client, once it has proven itself. Raises Authlib's `InvalidClientError`."""
        for anew in (False, True):
            evidence = await self._evidence(client, assertion, certificate, anew=anew)
            try:
                used = authenticate(core, client, endpoint, evidence)
            except LacksKey:
                continue
            proven: Client = core.client.client
            if used is not None and not await self._is_first(proven, used):
                break
            return proven
        raise InvalidClientError(status_code=401)

    async def _evidence(
        self,
        client: Client | None,
        assertion: ForeignToken | None,
        certificate: ClientCertificate | None,
        *,
        anew: bool,
    ) -> Evidence:
        method = client.auth_method if client is not None else None
        asserted = client is not None and method == PRIVATE_KEY and assertion is not None
        certified = client is not None and method == SELF_SIGNED and certificate is not None
        return Evidence(
            issuer=self._issuer,
            addresses=self._addresses,
            now=self._clock.now(),
            assertion=assertion,
            keys=await self._keys.of(client, anew=anew) if client is not None and asserted else (),
            jwks=await self._keys.jwks(client, anew=anew) if client is not None and certified else (),
            certificate=certificate,
            authorities=self._authorities,
        )

    async def _is_first(self, client: Client, assertion: Assertion) -> bool:
        return await self._replays.is_first(
            f"{client.client_id}\0{assertion.jti}",
            made_at=assertion.made_at,
            good_until=assertion.good_until,
            now=self._clock.timestamp(),
        )
