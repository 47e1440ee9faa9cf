"""The part of the composition root where clients register themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from idp.clients.registration import STRANGER
from idp.credentials.throttle import Throttle
from idp.endpoints.client_requests import ClientRequests
from idp.endpoints.registration import RegistrationEndpoint
from idp.parts import Parts
from idp.registrars import registrar
from idp.routes import Endpoint
from idp.storage import client_register, initial_access_tokens


def registration_endpoints(parts: Parts, requests: ClientRequests, throttle: Throttle) -> Mapping[str, Endpoint]:
    """`/register`, and what stands under it."""
    registration = RegistrationEndpoint(
        mode=parts.settings.idp.registration,
        terms=replace(STRANGER, whole=parts.settings.idp.require_described_resources),
        issuer=parts.issuer,
        registrar=registrar(parts.settings, parts.clock, parts.entropy),
        register=client_register,
        initial_tokens=initial_access_tokens,
        requests=requests,
        throttle=throttle,
        database=parts.database,
        valkey=parts.valkey,
        clock=parts.clock,
    )
    return {"registration": registration, "registration_managed": registration.managed}
