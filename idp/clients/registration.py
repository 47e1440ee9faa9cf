"""What somebody wants to register, made into a client that may be kept (RFC 7591, section 2; OpenID Connect Dynamic
Client Registration 1.0, section 2), or refused with the codes of RFC 7591, section 3.2.2.

Pure: what is fetched is looked at elsewhere, ids and secrets are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeVar
from uuid import UUID

import msgspec

from idp.clients.client import AuthMethod, Client
from idp.clients.consistency import DEVICE, check
from idp.clients.invalid import InvalidRegistration, RegistrationError
from idp.clients.member_forms import is_language_tag, is_text
from idp.clients.metadata import ClientMetadata
from idp.protocol import scopes

T = TypeVar("T")
GrantType = Literal[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
]
SECRET_METHODS: Final = frozenset({"client_secret_basic", "client_secret_post"})
OURS: Final = (
    "consent_required",
    "profile",
    "code_protection",
    "resources",
    "exchange_audiences",
    "exchange_scopes",
)
"""Members that are no registry's: what an administrator decides of a client."""
_NOT_DONE: Final = frozenset(
    {
        "id_token_encrypted_response_alg",
        "userinfo_encrypted_response_alg",
        "request_object_encryption_alg",
        "introspection_encrypted_response_alg",
        "authorization_encrypted_response_alg",
    }
)
"""Whoever registers one of these counts on it: it would be wrong to leave it out in silence."""
_NAMES: Final = ("ko", "en")
"""Locales of the pages; a name without a language stands for each that has none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who registers, and so what may be asked for."""

    vouched: bool
    """By an administrator: who decides `OURS`, may name addresses of private networks, and learns of names that are
    not understood. From everybody else these are left out, as RFC 7591, section 2 demands."""
    scopes: tuple[str, ...] | None
    """Those that may be had, which are also those of a client that names none; None: any."""

    grant_types: frozenset[str] | None
    """Those that may be had; None: any."""
    whole: bool = False
    """Whether `scope` and `resources` are taken as they are or refused, and nothing of them is left out in silence."""


STRANGER: Final = Terms(
    vouched=False,
    scopes=scopes.SCOPES,
    # with the others it would act without a person, or ring at one's door
    grant_types=frozenset({"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}),
)
ADMINISTRATOR: Final = Terms(vouched=True, scopes=None, grant_types=None)


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The members that every request needs; the others are `ClientMetadata`."""

    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: AuthMethod = "client_secret_basic"  # noqa: S105 - a method, no secret
    grant_types: tuple[GrantType, ...] = ("authorization_code",)
    response_types: tuple[Literal["code"], ...] | None = None
    client_name: str | None = None
    scope: str | None = None
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False


_MORE: Final = frozenset(ClientMetadata.__struct_fields__)
_UNDERSTOOD: Final = frozenset(_Asked.__struct_fields__) | _MORE


def read_registration(
    asked: Mapping[str, object],
    terms: Terms,
    *,
    client_id: str,
    organisation_id: UUID | None = None,
    current: Client | None = None,
) -> Client:
    """The client that is asked for, whole: what is left out of a change is taken away (RFC 7592, section 2.2).

    A secret is not made here: the client has that of `current`, where its method is still one that needs a secret.
    Raises `InvalidRegistration`.
    """
    members = {name: value for name, value in asked.items() if value is not None}
    names = _names(members)
    _refuse_what_is_not_done(members, terms)
    wanted = _convert({name: value for name, value in members.items() if name in _Asked.__struct_fields__}, _Asked)
    before = current.grant_types if current is not None else ()
    if terms.grant_types is not None and (beyond := {*wanted.grant_types} - {*terms.grant_types, *before}):
        raise InvalidRegistration("invalid_client_metadata", f"{min(beyond)} is granted by an administrator alone")
    _refuse_the_sector_of_others(members, wanted.grant_types, terms, current)
    more = {name: value for name, value in members.items() if name in _MORE}
    if not terms.vouched:
        had = list(current.metadata.resources) if current is not None else []
        if terms.whole and more.get("resources", had) != had:
            raise InvalidRegistration("invalid_client_metadata", "resources are granted by an administrator alone")
        more = {name: value for name, value in more.items() if name not in OURS} | _decided(current)
    client = Client(
        client_id=client_id,
        name=names,
        auth_method=wanted.token_endpoint_auth_method,
        secret_hash=None,
        redirect_uris=_each_once(wanted.redirect_uris),
        post_logout_redirect_uris=_each_once(wanted.post_logout_redirect_uris),
        grant_types=_each_once(wanted.grant_types),
        scopes=_scopes(wanted.scope, terms, current),
        backchannel_logout_uri=None,
        backchannel_logout_session_required=wanted.backchannel_logout_session_required,
        organisation_id=current.organisation_id if current is not None else organisation_id,
        enabled=current.enabled if current is not None else True,
        metadata=_convert(more, ClientMetadata),
    )
    check(
        client,
        response_types=wanted.response_types,
        backchannel_logout_uri=wanted.backchannel_logout_uri,
        trusted=None if terms.vouched else _addresses(current),
    )
    kept = current.secret_hash if current is not None and client.auth_method in SECRET_METHODS else None
    return replace(client, secret_hash=kept, backchannel_logout_uri=wanted.backchannel_logout_uri)


def registered_members(client: Client) -> dict[str, object]:
    """What is registered of a client, under the names of the registries: it may be sent back as it is."""
    named = client.name.get("")
    members: dict[str, object] = {"client_id": client.client_id}
    if named is not None:
        members["client_name"] = named
    members |= {f"client_name#{tag}": name for tag, name in client.name.items() if tag and name != named}
    members |= {
        "redirect_uris": list(client.redirect_uris),
        "token_endpoint_auth_method": client.auth_method,
        "grant_types": list(client.grant_types),
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "scope": " ".join(client.scopes),
    }
    if client.post_logout_redirect_uris:
        members["post_logout_redirect_uris"] = list(client.post_logout_redirect_uris)
    if client.backchannel_logout_uri is not None:
        members["backchannel_logout_uri"] = client.backchannel_logout_uri
        members["backchannel_logout_session_required"] = client.backchannel_logout_session_required
    more = {name: getattr(client.metadata, name) for name in ClientMetadata.__struct_fields__}
    return members | {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in more.items()
        if value is not None and value != ()
    }


def _decided(current: Client | None) -> dict[str, object]:
    """What an administrator decided. Nobody knows who is behind a client that registers itself: people are asked."""
    if current is None:
        return {"consent_required": True}
    kept = msgspec.to_builtins(current.metadata)
    return {name: kept[name] for name in OURS if name in kept}


def _names(members: Mapping[str, object]) -> dict[str, str]:
    """By language, and under the empty one the name without any."""
    names: dict[str, str] = {}
    for member, value in members.items():
        base, mark, tag = member.partition("#")
        if base != "client_name":
            continue
        if not (isinstance(value, str) and is_text(value)):
            raise InvalidRegistration("invalid_client_metadata", "client_name must be one short line of text")
        if mark and not is_language_tag(tag):
            raise InvalidRegistration("invalid_client_metadata", "client_name# must be followed by a language tag")
        names[tag] = value
    if "" in names:
        names = {**dict.fromkeys(_NAMES, names[""]), **names}
    return names


def _refuse_what_is_not_done(members: Mapping[str, object], terms: Terms) -> None:
    if "software_statement" in members:
        statement = members["software_statement"]
        if not isinstance(statement, str) or statement.count(".") != 2:
            raise InvalidRegistration("invalid_software_statement", "software_statement is no signed JWT")
        raise InvalidRegistration("unapproved_software_statement", "no issuer of software statements is approved here")
    if asked := sorted(_NOT_DONE & set(members)):
        raise InvalidRegistration("invalid_client_metadata", f"{asked[0]}: nothing is encrypted here")
    if members.get("backchannel_token_delivery_mode") in ("ping", "push"):
        raise InvalidRegistration(
            "invalid_client_metadata", "backchannel_token_delivery_mode: clients poll here, nobody is called"
        )
    if terms.vouched:
        unknown = sorted(name for name in members if name not in _UNDERSTOOD and not name.startswith("client_name#"))
        if unknown:
            raise InvalidRegistration("invalid_client_metadata", f"{unknown[0][:64]!a} is not understood")


def _refuse_the_sector_of_others(
    members: Mapping[str, object], grants: Collection[str], terms: Terms, current: Client | None
) -> None:
    """A sector is named by redirect URIs, and nothing but an answer that goes there shows whose they are: a stranger
    who gets tokens otherwise would learn the identifiers that another's app knows people by (OIDC Core 1.0, 8.1)."""
    if terms.vouched or members.get("subject_type") != "pairwise" or DEVICE not in grants:
        return
    if current is None or current.metadata.subject_type != "pairwise" or DEVICE not in current.grant_types:
        raise InvalidRegistration(
            "invalid_client_metadata", f"subject_type pairwise with {DEVICE} is granted by an administrator alone"
        )


def _scopes(asked: str | None, terms: Terms, current: Client | None) -> tuple[str, ...]:
    wanted = scopes.split(asked) if asked is not None else terms.scopes or scopes.SCOPES
    if terms.scopes is None:
        return wanted
    # the server may register less than was asked for (RFC 7591, section 3.2.1); what was given once is kept
    allowed = {*terms.scopes, *(current.scopes if current is not None else ())}
    granted = tuple(value for value in wanted if value in allowed)
    if terms.whole and granted != wanted:
        raise InvalidRegistration("invalid_client_metadata", f"scope: {min(set(wanted) - allowed)!a} may not be had")
    if wanted and not granted:
        raise InvalidRegistration("invalid_client_metadata", f"scope may hold {', '.join(terms.scopes)}")
    return granted


def _addresses(current: Client | None) -> frozenset[str]:
    """Where this machine connects to for a client already: it may be kept, whoever vouched for it."""
    if current is None:
        return frozenset()
    more = current.metadata
    named = (current.backchannel_logout_uri, more.jwks_uri, more.sector_identifier_uri, *more.request_uris)
    return frozenset(uri for uri in named if uri is not None)


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _convert(members: Mapping[str, object], kind: type[T]) -> T:
    try:
        return msgspec.convert(members, kind)
    except msgspec.ValidationError as error:
        said = str(error)
        wrong: RegistrationError = "invalid_redirect_uri" if "$.redirect_uris" in said else "invalid_client_metadata"
        raise InvalidRegistration(wrong, said.encode("ascii", "replace").decode()[:300]) from error
