"""Authlib's server core, run inline over what was loaded for it.

The core is synchronous. So the endpoint awaits the loads, runs the core here, and awaits the writes: within the core no
callback touches a store. What the core leaves open is closed here: S256 is the only method of PKCE; lifetimes are the
mint's, not the core's defaults; a code is claimed before the core runs, not after. A code that was asked for with a
challenge needs its verifier, and one that was not is refused with any (RFC 9700, section 4.8.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidGrantError, UnsupportedGrantTypeError
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc6749.grants.base import BaseGrant, TokenEndpointMixin
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin, TokenMixin
from authlib.oauth2.rfc7636 import CodeChallenge

from idp.clients.authentication import METHODS, CoreClient, CoreRequest
from idp.grants.ciba import CIBA
from idp.grants.device_code import DEVICE_CODE
from idp.grants.grant import Credential, MachineCredential
from idp.grants.token_exchange import TOKEN_EXCHANGE
from idp.protocol import pkce
from idp.protocol.scopes import split

Issue = Callable[[tuple[str, ...], bool], dict[str, object]]
"""Makes the token response for a scope, with a refresh token or without."""


class TokenRequest(CoreRequest):
    """A token request with what was loaded for it."""

    def __init__(self, request: CoreRequest, credential: Credential | MachineCredential | None, issue: Issue) -> None:
        self.__dict__.update(vars(request))
        self.loaded = credential
        self.issue = issue


class _Code(AuthorizationCodeMixin):  # type: ignore[misc]  # Authlib has no types
    """A claimed code, as the core asks about it."""

    code_challenge_method = pkce.METHOD

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self.code_challenge = credential.code_challenge

    def get_redirect_uri(self) -> str | None:
        return self.credential.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.credential.scope)


class _Refresh(TokenMixin):  # type: ignore[misc]  # Authlib has no types
    """A refresh token of this very client, as the core asks about it."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential

    def check_client(self, client: CoreClient) -> bool:
        return self.credential.client_id == client.client_id

    def get_scope(self) -> str:
        return " ".join(self.credential.scope)


class _S256(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """PKCE by S256 alone. Which codes may be without a challenge was decided when they were asked for and loaded."""

    DEFAULT_CODE_CHALLENGE_METHOD = pkce.METHOD
    SUPPORTED_CODE_CHALLENGE_METHOD = (pkce.METHOD,)
    CODE_CHALLENGE_METHODS = {pkce.METHOD: pkce.verifies}  # noqa: RUF012 - Authlib's own attribute


class _Minted:
    """What both grants do the same way: the client is authenticated already, and the mint makes the tokens."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    request: TokenRequest

    def authenticate_token_endpoint_client(self) -> CoreClient:
        client: CoreClient = self.request.client
        return client

    def generate_token(
        self,
        user: object = None,
        scope: str = "",
        grant_type: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, object]:
        return self.request.issue(split(scope), include_refresh_token)

    def save_token(self, token: dict[str, object]) -> None:
        """The endpoint saves, after the core."""

    def authenticate_user(self, credential: _Code | _Refresh) -> object:
        return credential.credential.session.user_id


class _AuthorizationCodeGrant(_Minted, AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    def query_authorization_code(self, code: str, client: CoreClient) -> _Code | None:
        loaded = self.request.loaded
        return _Code(loaded) if isinstance(loaded, Credential) and loaded.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        """It was claimed before the core ran."""


class _RefreshTokenGrant(_Minted, RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _Refresh | None:
        loaded = self.request.loaded
        return _Refresh(loaded) if isinstance(loaded, Credential) else None

    def revoke_old_credential(self, refresh_token: _Refresh) -> None:
        """The endpoint rotates it, after the core."""


class _ClientCredentialsGrant(_Minted, ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    def generate_token(
        self,
        user: object = None,
        scope: str = "",
        grant_type: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, object]:
        loaded = self.request.loaded
        return self.request.issue(loaded.scope if loaded is not None else (), False)


class _Allowed(_Minted, BaseGrant, TokenEndpointMixin):  # type: ignore[misc]  # Authlib has no types
    """What was allowed before the client asked: the grant has checked all there is to check."""

    def validate_token_request(self) -> None:
        if self.request.loaded is None:
            raise InvalidGrantError("it is not good, or not any more")

    def create_token_response(self) -> tuple[int, dict[str, object], object]:
        loaded = self.request.loaded
        scope = loaded.scope if loaded is not None else ()
        return 200, self.request.issue(scope, self.may_refresh()), self.TOKEN_RESPONSE_HEADER

    def may_refresh(self) -> bool:
        client: CoreClient = self.request.client
        return client.check_grant_type("refresh_token")


class _DeviceCodeGrant(_Allowed):
    GRANT_TYPE = DEVICE_CODE


class _CibaGrant(_Allowed):
    GRANT_TYPE = CIBA


class _TokenExchangeGrant(_Allowed):
    GRANT_TYPE = TOKEN_EXCHANGE

    def may_refresh(self) -> bool:
        return False


class TokenCore(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """The core with the grants there are."""

    def __init__(self) -> None:
        super().__init__()
        self.register_grant(_AuthorizationCodeGrant, [_S256(required=True)])
        self.register_grant(_RefreshTokenGrant)
        self.register_grant(_ClientCredentialsGrant)
        self.register_grant(_DeviceCodeGrant)
        self.register_grant(_CibaGrant)
        self.register_grant(_TokenExchangeGrant)

        self._by_type = {kind.GRANT_TYPE: (kind, extensions) for kind, extensions in self._token_grants}

    def get_token_grant(self, request: TokenRequest) -> BaseGrant:
        """In the place of the core's own, which asks one grant after the other, thrice over; ours are told apart by
        their type alone. Raises Authlib's `UnsupportedGrantTypeError`."""
        found = self._by_type.get(request.payload.grant_type)
        if found is None:
            raise UnsupportedGrantTypeError(request.payload.grant_type)
        kind, extensions = found
        grant: BaseGrant = kind(request, self)
        for extend in extensions or ():
            extend(grant)
        return grant

    def run(self, request: TokenRequest) -> dict[str, object]:
        """The token response to a request whose client is authenticated. Raises Authlib's `OAuth2Error`."""
        grant = self.get_token_grant(request)
        grant.validate_token_request()
        _status, token, _headers = grant.create_token_response()
        body: dict[str, object] = token
        return body

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens to the core's signals: the audit is written by the endpoint."""


__all__ = ["Issue", "TokenCore", "TokenRequest", "UnsupportedGrantTypeError"]
