"""Whether what is registered of a client fits together: a table of checks that is read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from config.this_machine import is_this_machine
from idp.clients.certificate_names import NAMES, can_be_read
from idp.clients.client import Client
from idp.clients.invalid import InvalidRegistration
from idp.clients.member_forms import (
    LONGEST_URI,
    is_https,
    is_scope_token,
    is_text,
    is_uri,
    names_private_place,
)
from idp.clients.metadata import ClientMetadata
from idp.clients.public_keys import can_sign, fault_of
from idp.protocol.code_protection import PKCE
from idp.protocol.pairwise import sector_hosts
from idp.protocol.redirect_uri import is_registrable, is_registrable_by_native_app

MOST_VALUES = 50
"""Of a member that is a list."""
LONGEST_MAX_AGE = 10**9
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
CIBA: Final = "urn:openid:params:grant-type:ciba"
BY_KEY: Final = frozenset({"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"})
_ALGORITHMS: Final = ("ES256", "PS256", "RS256")
_OWN_SERVICES: Final = "urn:munjigi:"


@dataclass(frozen=True, slots=True)
class _Draft:
    client: Client
    response_types: tuple[str, ...] | None
    backchannel_logout_uri: str | None
    trusted: Collection[str] | None

    def is_trusted(self, uri: str) -> bool:
        return self.trusted is None or uri in self.trusted

    @property
    def more(self) -> ClientMetadata:
        return self.client.metadata


def check(
    client: Client,
    *,
    response_types: tuple[str, ...] | None,
    backchannel_logout_uri: str | None,
    trusted: Collection[str] | None,
) -> None:
    """Raises `InvalidRegistration` where a client may not be registered so.

    `backchannel_logout_uri` stands beside the client, which takes none that is not sound. `trusted` are the addresses
    that this machine may connect to although they could be of a private network; None: an administrator vouches for
    all.
    """
    draft = _Draft(client, response_types, backchannel_logout_uri, trusted)
    for one in CHECKS:
        one(draft)


def _sizes(draft: _Draft) -> None:
    client, more = draft.client, draft.more
    lists = (client.redirect_uris, client.post_logout_redirect_uris, client.scopes, more.contacts, more.request_uris)
    if (
        max(map(len, (*lists, client.name, more.resources, more.exchange_audiences, more.default_acr_values)))
        > MOST_VALUES
    ):
        raise _invalid(f"a member holds more than {MOST_VALUES} values")
    for name in ("software_id", "software_version", "contacts", "default_acr_values"):
        value = getattr(more, name)
        if not all(is_text(text) for text in ((value,) if isinstance(value, str) else value or ())):
            raise _invalid(f"{name} must be short lines of text")
    if not all(is_scope_token(value) for value in client.scopes):
        raise _invalid("scope holds what is no scope (RFC 6749, section 3.3)")


def _redirect_uris(draft: _Draft) -> None:
    client = draft.client
    if "authorization_code" in client.grant_types and not client.redirect_uris:
        raise InvalidRegistration("invalid_redirect_uri", "redirect_uris must hold one at least")
    for uri in client.redirect_uris:
        if not _may_be_redirected_to(draft, uri):
            raise InvalidRegistration("invalid_redirect_uri", _expected(draft, "redirect_uris"))
    for uri in client.post_logout_redirect_uris:
        if not _may_be_redirected_to(draft, uri):
            raise _invalid(_expected(draft, "post_logout_redirect_uris"))


def _grants(draft: _Draft) -> None:
    client, grants = draft.client, frozenset(draft.client.grant_types)
    with_code = "authorization_code" in grants
    if not grants:
        raise _invalid("grant_types must hold one at least")
    if draft.response_types is not None and ("code" in draft.response_types) != with_code:
        raise _invalid("response_types and grant_types do not fit together: code goes with authorization_code")
    if grants == {"refresh_token"} or ("refresh_token" in grants and not grants & {"authorization_code", DEVICE, CIBA}):
        raise _invalid("grant_types: refresh_token needs a grant that a person approves")
    confidential = grants & {"client_credentials", EXCHANGE, CIBA}
    if client.auth_method == "none" and confidential:
        raise _invalid(f"token_endpoint_auth_method none cannot have the grant {min(confidential)}")
    if (CIBA in grants) != (draft.more.backchannel_token_delivery_mode is not None):
        raise _invalid("backchannel_token_delivery_mode goes with the grant of CIBA")
    if CIBA not in grants and draft.more.backchannel_authentication_request_signing_alg is not None:
        raise _invalid("backchannel_authentication_request_signing_alg goes with the grant of CIBA")


def _keys(draft: _Draft) -> None:
    client, more = draft.client, draft.more
    if more.jwks is not None and more.jwks_uri is not None:
        raise _invalid("jwks and jwks_uri exclude each other")
    if more.jwks is not None and (fault := fault_of(more.jwks)) is not None:
        raise _invalid(fault)
    keyless = more.jwks is None and more.jwks_uri is None
    if keyless and client.auth_method in ("private_key_jwt", "self_signed_tls_client_auth"):
        raise _invalid(f"token_endpoint_auth_method {client.auth_method} needs jwks or jwks_uri")
    objects, backchannel = more.request_object_signing_alg, more.backchannel_authentication_request_signing_alg
    if keyless and (more.require_signed_request_object or objects is not None or backchannel is not None):
        raise _invalid("request objects that are signed need jwks or jwks_uri")
    if more.jwks is None:
        return
    assertions = more.token_endpoint_auth_signing_alg
    if client.auth_method == "private_key_jwt" and not can_sign(
        more.jwks, (assertions,) if assertions else _ALGORITHMS
    ):
        raise _invalid("jwks has no key for token_endpoint_auth_method private_key_jwt")
    demanded = more.require_signed_request_object or objects is not None
    if demanded and not can_sign(more.jwks, (objects,) if objects else _ALGORITHMS):
        raise _invalid("jwks has no key for request objects")
    if backchannel is not None and not can_sign(more.jwks, (backchannel,)):
        raise _invalid("jwks has no key for backchannel_authentication_request_signing_alg")


def _certificate(draft: _Draft) -> None:
    given = [name for name in NAMES if getattr(draft.more, name) is not None]
    if draft.client.auth_method != "tls_client_auth":
        if given:
            raise _invalid(f"{given[0]} goes with token_endpoint_auth_method tls_client_auth")
        return
    if len(given) != 1:
        raise _invalid("tls_client_auth needs exactly one name of its certificate (RFC 8705, section 2.1.2)")
    if not can_be_read(given[0], getattr(draft.more, given[0])):
        raise _invalid(f"{given[0]} cannot be read")


def _addresses(draft: _Draft) -> None:
    more = draft.more
    for name in ("client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri"):
        uri = getattr(more, name)
        if uri is not None and not is_https(uri):
            raise _invalid(f"{name} must be an https address")
    fetched: Iterable[tuple[str, str | None]] = (
        ("jwks_uri", more.jwks_uri),
        ("sector_identifier_uri", more.sector_identifier_uri),
        *(("request_uris", uri) for uri in more.request_uris),
    )
    for name, uri in fetched:
        if uri is None:
            continue
        if not is_https(uri, fragment=name == "request_uris") or (
            names_private_place(uri) and not draft.is_trusted(uri)
        ):
            raise _invalid(f"{name} must be an https address that anybody can reach")


def _logout(draft: _Draft) -> None:
    uri = draft.backchannel_logout_uri
    if uri is None:
        if draft.client.backchannel_logout_session_required:
            raise _invalid("backchannel_logout_session_required goes with backchannel_logout_uri")
    elif not draft.is_trusted(uri):
        # the courier connects to whatever a name leads to: only an administrator may say where that is
        raise _invalid("backchannel_logout_uri is registered by an administrator alone")
    elif len(uri) > LONGEST_URI or not is_registrable(uri):
        raise _invalid("backchannel_logout_uri must be an https address without fragment")


def _pairwise(draft: _Draft) -> None:
    more = draft.more
    if more.subject_type != "pairwise" or more.sector_identifier_uri is not None:
        return
    if len(sector_hosts(draft.client.redirect_uris)) != 1:
        raise _invalid("pairwise subjects need sector_identifier_uri where redirect_uris are not all of one host")
    if any(is_this_machine(urlsplit(uri).hostname or "") for uri in draft.client.redirect_uris):
        raise _invalid("pairwise subjects need sector_identifier_uri where redirect_uris are of this very machine")


def _others(draft: _Draft) -> None:
    more = draft.more
    if more.default_max_age is not None and not 0 <= more.default_max_age <= LONGEST_MAX_AGE:
        raise _invalid("default_max_age is a number of seconds")
    for name in ("resources", "exchange_audiences"):
        for audience in getattr(more, name):
            if not is_uri(audience) or "#" in audience or audience.startswith(_OWN_SERVICES):
                raise _invalid(
                    f"{name} must be absolute URIs without fragment (RFC 8707, section 2), none of the house's"
                )


def _exchange(draft: _Draft) -> None:
    client, more = draft.client, draft.more
    if (more.exchange_audiences or more.exchange_scopes) and EXCHANGE not in client.grant_types:
        raise _invalid(f"exchange_audiences and exchange_scopes go with the grant {EXCHANGE}")
    if not {*more.exchange_scopes} <= {*client.scopes}:
        raise _invalid("exchange_scopes must be among the client's own")


def _code_protection(draft: _Draft) -> None:
    if draft.more.code_protection != PKCE and draft.client.auth_method == "none":
        raise _invalid("code_protection: a client without a secret or key must use PKCE")


def _fapi2(draft: _Draft) -> None:
    """FAPI 2.0 Security Profile, sections 5.3.2 and 5.4: as much of it as can be seen of a client that stands still."""
    client, more = draft.client, draft.more
    if more.profile != "fapi2":
        return
    if client.auth_method not in BY_KEY:
        raise _invalid("profile fapi2: token_endpoint_auth_method must be by a key")
    if "authorization_code" in client.grant_types and not more.require_pushed_authorization_requests:
        raise _invalid("profile fapi2: require_pushed_authorization_requests must be true")
    if more.code_protection != PKCE:
        raise _invalid("profile fapi2: code_protection must be pkce")
    if not (more.dpop_bound_access_tokens or more.tls_client_certificate_bound_access_tokens):
        raise _invalid("profile fapi2: access tokens must be bound, by DPoP or by certificate")
    algorithms = (
        more.token_endpoint_auth_signing_alg,
        more.request_object_signing_alg,
        more.backchannel_authentication_request_signing_alg,
        more.id_token_signed_response_alg,
        more.authorization_signed_response_alg,
        more.userinfo_signed_response_alg,
        more.introspection_signed_response_alg,
    )
    if "RS256" in algorithms:
        raise _invalid("profile fapi2: RS256 is not strong enough")
    if not all(uri.startswith("https:") or more.application_type == "native" for uri in client.redirect_uris):
        raise InvalidRegistration("invalid_redirect_uri", "profile fapi2: redirect_uris must be https")


CHECKS: Final[tuple[Callable[[_Draft], None], ...]] = (
    _sizes,
    _redirect_uris,
    _grants,
    _keys,
    _certificate,
    _addresses,
    _logout,
    _pairwise,
    _others,
    _exchange,
    _code_protection,
    _fapi2,
)


def _may_be_redirected_to(draft: _Draft, uri: str) -> bool:
    if len(uri) > LONGEST_URI:
        return False
    return is_registrable_by_native_app(uri) if draft.more.application_type == "native" else is_registrable(uri)


def _expected(draft: _Draft, name: str) -> str:
    native = ", of this machine, or of a scheme of the app's own" if draft.more.application_type == "native" else ""
    return f"{name} must be absolute https addresses{native}, without fragment"


def _invalid(description: str) -> InvalidRegistration:
    return InvalidRegistration("invalid_client_metadata", description)
