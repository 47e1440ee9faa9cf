"""How a client proves that it is itself (RFC 6749, section 2.3), by Authlib's core.

The core is synchronous and asks for the client by a callback: the endpoint loads the client that the request names
beforehand, and the callback only hands it over.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import (
    ClientAuthentication,
    ClientMixin,
    InvalidClientError,
    InvalidRequestError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from idp.clients.client import Client

METHODS = ("client_secret_basic", "client_secret_post", "none")
LONGEST_AUTHORIZATION = 4096


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

    def __init__(self, uri: str, form: Mapping[str, str], authorization: str | None) -> None:
        super().__init__("POST", uri, headers={"Authorization": authorization} if authorization else {})
        self.payload = BasicOAuth2Payload(dict(form))

    @property
    def form(self) -> Mapping[str, str]:
        data: Mapping[str, str] = self.payload.data
        return data


def presented_client_id(form: Mapping[str, str], authorization: str | None) -> str | None:
    """Which client a request says it is from; nothing is proven by it.

    Raises Authlib's `InvalidRequestError` where a client proves itself in two ways at once (RFC 6749, section 2.3), and
    `InvalidClientError` where the header cannot be read.
    """
    if authorization is None:
        return form.get("client_id")
    named, _secret = _basic(authorization)
    if "client_secret" in form or form.get("client_id", named) != named:
        raise InvalidRequestError("a client proves itself in one way only")
    return named


def authenticate(request: CoreRequest, client: Client | None, endpoint: str) -> Client:
    """The client, once it has proven itself; the way is recorded in `request.auth_method`.

    Raises Authlib's `InvalidClientError`.
    """
    known = CoreClient(client) if client is not None else None
    core = ClientAuthentication(lambda client_id: known if known and known.client_id == client_id else None)
    core.register("client_secret_basic", _by_basic)
    found = core(request, METHODS, endpoint)
    request.client = found
    authenticated: Client = found.client
    return authenticated


def _by_basic(find: Callable[[str], CoreClient | None], request: CoreRequest) -> CoreClient | None:
    """In the place of the core's own, which takes a plus sign for itself: libraries that encode as told fail there."""
    authorization = request.headers.get("Authorization")
    if authorization is None:
        return None
    client_id, secret = _basic(authorization)
    client = find(client_id)
    return client if client is not None and client.check_client_secret(secret) else None


def _basic(authorization: str) -> tuple[str, str]:
    """Name and secret of HTTP Basic, both form-encoded within it (RFC 6749, section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    sound = scheme.lower() == "basic" and len(authorization) <= LONGEST_AUTHORIZATION
    try:
        user, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (ValueError, binascii.Error):
        raise InvalidClientError("the Authorization header cannot be read", status_code=401) from None
    if not (sound and colon):
        raise InvalidClientError("the Authorization header cannot be read", status_code=401)
    return unquote_plus(user), unquote_plus(secret)
