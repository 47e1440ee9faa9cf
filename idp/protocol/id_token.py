"""The claims of an ID token (OpenID Connect Core 1.0, sections 2 and 3.1.3.6)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence

TYP = "JWT"


def at_hash(access_token: str) -> str:
    """The left half of the SHA-256 of an access token, as ES256 and RS256 want it (section 3.1.3.6)."""
    digest = hashlib.sha256(access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def claims(
    *,
    issuer: str,
    subject: str,
    client_id: str,
    sid: str,
    acr: str,
    amr: Sequence[str],
    auth_time: int,
    access_token: str,
    nonce: str | None,
    issued_at: int,
    expires_at: int,
    person: Mapping[str, object],
) -> dict[str, object]:
    """The claims; `person` are those that the granted scopes show. Times are whole seconds since the epoch."""
    return {
        **person,
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "azp": client_id,
        "exp": expires_at,
        "iat": issued_at,
        "auth_time": auth_time,
        "acr": acr,
        "amr": list(amr),
        "sid": sid,
        "at_hash": at_hash(access_token),
        **({"nonce": nonce} if nonce is not None else {}),
    }
