"""How a client proves that it is itself (RFC 6749, section 2.3), by Authlib's core.

The core is synchronous and asks for the client by a callback: the endpoint loads the client that the request names
beforehand, and the callback only hands it over. So it is with `Evidence`: keys and certificates are there before the
core asks.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import (
    ClientAuthentication,
    ClientMixin,
    InvalidClientError,
    InvalidRequestError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from idp.clients import tls_client_auth
from idp.clients.client import AuthMethod, Client
from idp.clients.private_key_jwt import ASSERTION_TYPE, Assertion, check_assertion
from idp.clients.tls_client_auth import SELF_SIGNED, TLS, Authorities, ClientCertificate
from jose.foreign import ForeignToken, UnknownKey
from jose.jws import InvalidToken
from jose.published_keys import KeySet

PRIVATE_KEY: Final = "private_key_jwt"
METHODS: tuple[AuthMethod, ...] = (
    "client_secret_basic",
    "client_secret_post",
    PRIVATE_KEY,
    TLS,
    SELF_SIGNED,
    "none",
)
LONGEST_AUTHORIZATION = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found of a client's proof beforehand, so that the core need not wait for it."""

    issuer: str
    addresses: Collection[str]
    """Of the token endpoint."""
    now: datetime
    assertion: ForeignToken | None = None
    keys: KeySet
    """The client's."""
    certificate: ClientCertificate | None = None
    authorities: Authorities | None = None


class CoreClient(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A client, as Authlib's core asks about it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.client_id = client.client_id

    def get_client_id(self) -> str:
        return self.client.client_id

    def check_client_secret(self, client_secret: str) -> bool:
        return self.client.has_secret(client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        # what a public client names proves nothing, so it introspects nothing; the token is proof enough for the rest
        return self.client.auth_method == method and not (method == "none" and endpoint == "introspection")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grant_types

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.client.redirect_uris

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(value for value in scope.split() if value in self.client.scopes)


class CoreRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A request to one of the endpoints that clients post to, as Authlib's core reads it."""

    basic: Basic | None = None

    def __init__(self, uri: str, form: Mapping[str, str], basic: Basic | None) -> None:
        self.__dict__.update(_blank(uri))
        self.payload = BasicOAuth2Payload(dict(form))
        self.basic = basic

    @classmethod
    def proven(cls, uri: str, form: Mapping[str, str], client: Client) -> CoreRequest:
        """A request of a client that has proven itself by its method already."""
        request = cls(uri, form, None)
        request.client, request.auth_method = CoreClient(client), client.auth_method
        return request

    @property
    def form(self) -> Mapping[str, str]:
        data: Mapping[str, str] = self.payload.data
        return data


def presented_assertion(form: Mapping[str, str]) -> ForeignToken | None:
    """The client assertion of a request (RFC 7521, section 4.2), not believed yet; None: there is none.

    Raises Authlib's `InvalidClientError` where it cannot be read.
    """
    if "client_assertion" not in form and "client_assertion_type" not in form:
        return None
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClientError("the client assertion cannot be read", status_code=401)
    try:
        return ForeignToken(form.get("client_assertion", ""))
    except InvalidToken:
        raise InvalidClientError("the client assertion cannot be read", status_code=401) from None


@lru_cache(maxsize=16)
def _blank(uri: str) -> Mapping[str, object]:
    """The attributes of a request as the core makes it. It takes the address apart each time, to see whether it is
    safe; ours are the same each time."""
    attributes: Mapping[str, object] = vars(OAuth2Request("POST", uri, headers={}))
    return attributes


class Basic(NamedTuple):
    """What stands in an Authorization header (RFC 6749, section 2.3.1), not believed yet."""

    client_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Basic({self.client_id}, [secret])"


class Presented(NamedTuple):
    """Which client a request says it is from; nothing is proven by it."""

    client_id: str | None
    basic: Basic | None


def presented_client(
    form: Mapping[str, str], authorization: str | None, assertion: ForeignToken | None = None
) -> Presented:
    """Read whom a request names.

    Raises Authlib's `InvalidRequestError` where a client proves itself in two ways at once (RFC 6749, section 2.3), and
    `InvalidClientError` where the header cannot be read.
    """
    if sum((authorization is not None, "client_secret" in form, assertion is not None)) > 1:
        raise InvalidRequestError("a client proves itself in one way only")
    named = form.get("client_id")
    proven = assertion.text("sub") if assertion is not None else None
    basic = _basic(authorization) if authorization is not None else None
    if basic is not None:
        proven = basic.client_id
    if proven is not None and named not in (None, proven):
        raise InvalidRequestError("a client proves itself in one way only")
    return Presented(proven or named, basic)


def authenticate(request: CoreRequest, client: Client | None, endpoint: str, evidence: Evidence) -> Assertion | None:
    """Let the client prove itself: it, and the way, are recorded in `request.client` and `request.auth_method`.

    Returns the assertion that it did it by, whose use must be the first one. Raises Authlib's `InvalidClientError`, or
    `UnknownKey` where the client's keys lack the one of its proof.
    """
    known = CoreClient(client) if client is not None else None
    proof = _Proof(client, evidence)
    core = ClientAuthentication(lambda client_id: known if known and known.client_id == client_id else None)
    core.register("client_secret_basic", _by_basic)
    # by what it registered: the core takes a proof of no other method from a client, but tries them all
    methods: tuple[str, ...] = (client.auth_method,) if client is not None else METHODS
    if evidence.assertion is not None:
        methods = (PRIVATE_KEY,)
    for method in proof.ways.keys() & methods:
        core.register(method, lambda _find, _request, proves=proof.ways[method]: known if proves() else None)
    request.client = core(request, methods, endpoint)
    return proof.assertion


class _Proof:
    """The ways that Authlib's core does not know, asked by it like its own."""

    def __init__(self, client: Client | None, evidence: Evidence) -> None:
        self._client = client
        self._evidence = evidence
        self.assertion: Assertion | None = None
        self.ways = {PRIVATE_KEY: self.by_assertion, TLS: self.by_tls, SELF_SIGNED: self.by_self_signed}

    def by_assertion(self) -> bool:
        client, evidence = self._client, self._evidence
        if client is None or client.auth_method != PRIVATE_KEY or evidence.assertion is None:
            return False
        try:
            self.assertion = check_assertion(
                evidence.assertion,
                evidence.keys.keys,
                client,
                issuer=evidence.issuer,
                addresses=evidence.addresses,
                now=evidence.now.timestamp(),
            )
        except UnknownKey:
            raise
        except InvalidToken:
            return False
        return True

    def by_tls(self) -> bool:
        return self._by_certificate(TLS)

    def by_self_signed(self) -> bool:
        return self._by_certificate(SELF_SIGNED)

    def _by_certificate(self, method: AuthMethod) -> bool:
        client, evidence = self._client, self._evidence
        if client is None or client.auth_method != method or evidence.certificate is None:
            return False
        proven = tls_client_auth.proves(
            client, evidence.certificate, authorities=evidence.authorities, jwks=evidence.keys.jwks, now=evidence.now
        )
        if not proven and method == SELF_SIGNED:
            raise UnknownKey
        return proven


def _by_basic(find: Callable[[str], CoreClient | None], request: CoreRequest) -> CoreClient | None:
    """In the place of the core's own, which takes a plus sign for itself: libraries that encode as told fail there."""
    if request.basic is None:
        return None
    client = find(request.basic.client_id)
    return client if client is not None and client.check_client_secret(request.basic.secret) else None


def _basic(authorization: str) -> Basic:
    """Name and secret of HTTP Basic, both form-encoded within it (RFC 6749, section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    sound = scheme.lower() == "basic" and len(authorization) <= LONGEST_AUTHORIZATION
    try:
        user, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (ValueError, binascii.Error):
        raise InvalidClientError("the Authorization header cannot be read", status_code=401) from None
    if not (sound and colon):
        raise InvalidClientError("the Authorization header cannot be read", status_code=401)
    return Basic(unquote_plus(user), unquote_plus(secret))
