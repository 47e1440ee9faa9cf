"""What the provider's endpoints answer and take as JSON, as far as it is described (`idp.openapi`)."""

from __future__ import annotations

import msgspec


class OAuthError(msgspec.Struct):
    """An error (RFC 6749, section 5.2), with two members of our own."""

    error: str
    code: str
    correlation_id: str
    error_description: str = ""


class TokenAnswer(msgspec.Struct):
    """Tokens (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str = ""
    id_token: str = ""


class PushedAnswer(msgspec.Struct):
    """A pushed request (RFC 9126, section 2.2)."""

    request_uri: str
    expires_in: int


class DeviceAnswer(msgspec.Struct):
    """A device's codes (RFC 8628, section 3.2)."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class BackchannelAnswer(msgspec.Struct):
    """A request that waits for its person (OpenID Connect CIBA Core 1.0, section 7.3)."""

    auth_req_id: str
    expires_in: int
    interval: int


class IntrospectionAnswer(msgspec.Struct):
    """What a token is (RFC 7662, section 2.2); `active` false says nothing more."""

    active: bool
    iss: str = ""
    sub: str = ""
    client_id: str = ""
    scope: str = ""
    exp: int = 0


class UserInfo(msgspec.Struct):
    """Claims about the person, as far as the scope goes (OpenID Connect Core 1.0, section 5.3.2)."""

    sub: str


class Metadata(msgspec.Struct):
    """What the provider says of itself (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    response_types_supported: list[str]


class Keys(msgspec.Struct):
    """A JWK Set (RFC 7517, section 5)."""

    keys: list[dict[str, str]]


class ClientMetadata(msgspec.Struct):
    """What a client registers of itself (RFC 7591, section 2); more members are described there."""

    redirect_uris: tuple[str, ...]
    client_name: str = ""
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105 - the name of a method
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: str = "openid"
    jwks_uri: str = ""
    post_logout_redirect_uris: tuple[str, ...] = ()


class ClientInformation(msgspec.Struct):
    """A client as it is registered (RFC 7591, section 3.2.1; RFC 7592, section 3)."""

    client_id: str
    registration_client_uri: str
    registration_access_token: str
    client_id_issued_at: int
    client_secret: str = ""
    client_secret_expires_at: int = 0


class Nothing(msgspec.Struct):
    """An object without members."""
