"""An authorization request that passed every check (RFC 6749, section 4.1.1; OIDC Core 1.0, section 3.1.2.1)."""

from __future__ import annotations

import msgspec

from idp.authorization.answer import ResponseMode, ReturnAddress
from idp.protocol import scopes
from idp.protocol.claims_request import NO_CLAIMS, RequestedClaims
from jose.keys import ES256, Algorithm


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked for. It is built by `checks` alone, and kept as it is until the code is redeemed."""

    client_id: str
    redirect_uri: str
    """One of the client's own, character by character."""
    scope: tuple[str, ...]
    code_challenge: str | None
    """BASE64URL(SHA256(verifier)), RFC 7636 section 4.2; the only method is S256. None: the client may do without."""
    state: str | None = None
    nonce: str | None = None
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    """Seconds since the last full authentication, at most."""
    acr_values: tuple[str, ...] = ()
    login_hint: str | None = None
    expected_sub: str | None = None
    """Whom the `id_token_hint`, or the `sub` of `claims`, names: nobody else may be answered for (OIDC Core 1.0,
    sections 3.1.2.1 and 5.5.1)."""
    ui_locales: tuple[str, ...] = ()
    response_mode: ResponseMode = "query"
    essential_acr: tuple[str, ...] = ()
    """One of these `acr` values must be reached, or the request fails (OIDC Core 1.0, section 5.5.1.1)."""
    claims: RequestedClaims = NO_CLAIMS
    """What the `claims` parameter asks for, as far as the client may see it."""
    resources: tuple[str, ...] = ()
    """Where its access tokens are to be good (RFC 8707); none named: at the house's own services."""
    profile: str = "oauth2"
    """What the client was held to when it asked: `fapi2` shortens the life of the code."""
    dpop_jkt: str | None = None
    """The thumbprint of the key that the code is bound to (RFC 9449, section 10)."""
    authorization_signed_response_alg: Algorithm = ES256
    """What the client registered for answers that are signed (JARM, section 3)."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """What a person is asked to allow: the scopes, and those of claims that are asked for by name beside them."""
        named = scopes.showing((*self.claims.id_token, *self.claims.userinfo))
        return tuple(dict.fromkeys((*self.scope, *named)))

    @property
    def return_address(self) -> ReturnAddress:
        """Where its answer goes."""
        return ReturnAddress.of(
            self.redirect_uri,
            self.state,
            self.response_mode,
            client_id=self.client_id,
            algorithm=self.authorization_signed_response_alg,
            ui_locales=self.ui_locales,
        )
