"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0): the provider says that a session ended.

The logout token is verified as section 2.6 says, by joserfc and the keys that the provider publishes; what is not one
is refused with 400.
"""

from __future__ import annotations

import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

EVENT = "http://schemas.openid.net/event/backchannel-logout"
SKEW = 10
"""Seconds that the provider's clock may be ahead."""
MOST_REMEMBERED = 1000
"""Identifiers of logout tokens that are kept, so that none is taken twice."""


class NoLogoutToken(Exception):
    """What came is not a logout token for this app."""


class UnknownKey(NoLogoutToken):
    """It was not signed with one of these keys; the provider may have a new one."""


class LogoutTokens:
    """Verifies logout tokens of one issuer for one client."""

    def __init__(self, issuer: str, client_id: str) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._taken: dict[str, None] = {}

    def verify(self, token: str, jwks: Any) -> dict[str, Any]:
        """The claims: `sid`, `sub` or both say whose session ended. Raises `NoLogoutToken`."""
        try:
            decoded = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["ES256"])
        except (JoseError, ValueError) as error:
            raise UnknownKey("signature") from error
        claims, now = decoded.claims, time.time()
        audience = claims.get("aud")
        sound = (
            decoded.header.get("typ") == "logout+jwt"
            and claims.get("iss") == self._issuer
            and self._client_id in (audience if isinstance(audience, list) else [audience])
            and isinstance(claims.get("iat"), int)
            and claims["iat"] <= now + SKEW
            and isinstance(claims.get("exp"), int)
            and now < claims["exp"]
            and isinstance(claims.get("events"), dict)
            and isinstance(claims["events"].get(EVENT), dict)
            and "nonce" not in claims
            and (isinstance(claims.get("sid"), str) or isinstance(claims.get("sub"), str))
            and isinstance(claims.get("jti"), str)
            and claims["jti"] not in self._taken
        )
        if not sound:
            raise NoLogoutToken("claims")
        self._remember(claims["jti"])
        return claims

    def _remember(self, jti: str) -> None:
        self._taken[jti] = None
        while len(self._taken) > MOST_REMEMBERED:
            self._taken.pop(next(iter(self._taken)))
