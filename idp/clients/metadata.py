"""What a client registers of itself beyond what every request needs (RFC 7591, section 2).

The names are those of the registries; a member that is not here was refused or left out at registration.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from idp.protocol.code_protection import CodeProtection
from jose.keys import ES256, Algorithm

SigningAlgorithm = Literal["ES256", "RS256", "PS256"]
"""Asymmetric, and as strong as the house's own (RFC 8725, section 3.2)."""
ApplicationType = Literal["web", "native"]
SubjectType = Literal["public", "pairwise"]
Profile = Literal["oauth2", "fapi2"]


class ClientMetadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """All of it may be left out; what is left out is what the registries say then, and ES256 for RS256."""

    application_type: ApplicationType = "web"
    """`native`: it runs on people's own machines, and may be answered there (RFC 8252, section 7)."""
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] = ()
    software_id: str | None = None
    software_version: str | None = None
    initiate_login_uri: str | None = None
    """Where a login at the client is begun by somebody else (OpenID Connect Core 1.0, section 4)."""

    jwks: dict[str, list[dict[str, object]]] | None = None
    """Its public keys by value; never together with `jwks_uri`."""
    jwks_uri: str | None = None
    token_endpoint_auth_signing_alg: SigningAlgorithm | None = None
    """Of `private_key_jwt`; none named: any of them."""

    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    """Of these five exactly one for `tls_client_auth` (RFC 8705, section 2.1.2)."""
    tls_client_certificate_bound_access_tokens: bool = False
    """Its tokens are good only with its certificate (RFC 8705, section 3.4)."""
    dpop_bound_access_tokens: bool = False
    """It must prove a key with every token request (RFC 9449, section 5.2)."""

    require_pushed_authorization_requests: bool = False
    """RFC 9126, section 6."""
    require_signed_request_object: bool = False
    """RFC 9101, section 10.5."""
    request_object_signing_alg: SigningAlgorithm | None = None
    request_uris: tuple[str, ...] = ()
    """Where its request objects may be fetched (OpenID Connect Core 1.0, section 6.2), character by character."""

    subject_type: SubjectType = "public"
    sector_identifier_uri: str | None = None
    id_token_signed_response_alg: Algorithm = ES256
    authorization_signed_response_alg: Algorithm = ES256
    """Of answers by the response modes that end in `jwt` (JARM, section 3)."""
    userinfo_signed_response_alg: Algorithm | None = None
    """None: userinfo is plain JSON."""
    introspection_signed_response_alg: Algorithm | None = None
    """RFC 9701, section 6."""
    default_max_age: int | None = None
    """Seconds."""
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()

    backchannel_token_delivery_mode: Literal["poll"] | None = None
    """OpenID Connect CIBA Core 1.0, section 4: clients poll, nobody is called."""
    backchannel_authentication_request_signing_alg: SigningAlgorithm | None = None
    """Its requests behind people's backs are signed so, every one; None: none is (CIBA Core 1.0, section 4)."""

    consent_required: bool = False
    """Whether people are asked before it gets anything. Without it an organisation's app asks people of others alone,
    and the house's own nobody."""
    profile: Profile = "oauth2"
    """`fapi2`: held to the FAPI 2.0 Security Profile."""
    code_protection: CodeProtection = "pkce"
    """What its authorization requests must bring; a public client, or one held to `fapi2`, always PKCE."""
    resources: tuple[str, ...] = ()
    """Audiences beside the house's own services that it may ask tokens for (RFC 8707)."""
    exchange_audiences: tuple[str, ...] = ()
    """APIs whose tokens it may exchange beside those for the house's own services (RFC 8693): those that it is."""
    exchange_scopes: tuple[str, ...] = ()
    """Of its own scopes those that it may have in a token that it exchanged one for which had them not: what it calls
    for people on its own account."""


NOTHING_MORE = ClientMetadata()
