"""The identity provider, known from before where it is away while the gateway starts (S9)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from gateway.engines import Engines
from gateway.relying_party.provider import Provider, ProviderUnreachable
from gateway.storage.known_provider import KnownProviders


async def remembered_provider(engines: Engines, *, client_secret: str) -> Provider:
    """As it was fetched last, by whatever gateway; what is fetched from now on is remembered for the next."""
    settings, database = engines.settings, engines.database
    known_providers = KnownProviders()

    async def remember(metadata: Mapping[str, Any], jwks: Mapping[str, Any]) -> None:
        with contextlib.suppress(SQLAlchemyError, OSError):  # it is known here all the same
            async with database.begin() as tx:
                await known_providers.remember(
                    tx, settings.idp.issuer, metadata=metadata, jwks=jwks, now=engines.clock.now()
                )

    provider = Provider(
        issuer=settings.idp.issuer,
        client_id=settings.gateway.client_id,
        client_secret=client_secret,
        http=engines.http,
        clock=engines.clock,
        remember=remember,
    )
    async with database.begin() as tx:
        known = await known_providers.find(tx, settings.idp.issuer)
    if known is not None:
        with contextlib.suppress(ProviderUnreachable):  # what is of no use is fetched anew
            provider.learn(*known)
    return provider
