"""What the transmitter says of itself (OpenID Shared Signals Framework 1.0, section 7)."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from idp.sessions.signals.security_event import SUPPORTED
from idp.sessions.signals.stream import POLL, PUSH


def metadata(issuer: str) -> dict[str, object]:
    """The metadata document."""
    return {
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": f"{issuer}/signals/streams",
        "status_endpoint": f"{issuer}/signals/status",
        "add_subject_endpoint": f"{issuer}/signals/subjects/add",
        "remove_subject_endpoint": f"{issuer}/signals/subjects/remove",
        "verification_endpoint": f"{issuer}/signals/verify",
        "critical_subject_members": ["session", "device", "user"],
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:7617"}],
        "default_subjects": "ALL",
        "events_supported": list(SUPPORTED),
    }


class TransmitterMetadata:
    """`GET /.well-known/ssf-configuration`."""

    def __init__(self, issuer: str) -> None:
        self._body = msgspec.json.encode(metadata(issuer))

    async def __call__(self, request: Request) -> Response:
        return Response(
            self._body,
            media_type="application/json",
            headers={"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"},
        )
