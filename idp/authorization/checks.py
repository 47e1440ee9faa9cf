"""The ordered checks of an authorization request: a table that is read from top to bottom.

Until the redirect URI is known to be the client's own, whatever is wrong is told to the person on a page (`Untrusted`);
from then on it is told to the client by a redirect (`RequestError`, RFC 6749, section 4.1.2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

from config.problem import Problem, ProblemType
from idp.authorization.request import AuthorizationRequest
from idp.protocol import pkce, scopes
from idp.protocol.redirect_uri import is_registered

LONGEST_VALUE = 2048
"""Characters of one parameter: a login keeps them."""

UNKNOWN_CLIENT = ProblemType(
    "MJ-IDP-010",
    HTTPStatus.BAD_REQUEST,
    "We do not know the application that sent you here",
    "Open the application again. If this comes back, tell its makers.",
)
WRONG_REDIRECT_URI = ProblemType(
    "MJ-IDP-011",
    HTTPStatus.BAD_REQUEST,
    "The application wants to be answered at an address that it has not registered",
    "Open the application again. If this comes back, tell its makers.",
)
AMBIGUOUS = ProblemType(
    "MJ-IDP-012",
    HTTPStatus.BAD_REQUEST,
    "The application's request says something twice",
    "Open the application again. If this comes back, tell its makers.",
)


class RegisteredClient(Protocol):
    """What the checks read of a client."""

    @property
    def client_id(self) -> str: ...
    @property
    def redirect_uris(self) -> tuple[str, ...]: ...
    @property
    def grant_types(self) -> tuple[str, ...]: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...


class RequestError(Exception):
    """An error that the client is told at its own redirect URI."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


Parameters = Sequence[tuple[str, str]]
Values = Mapping[str, str]
Check = Callable[[Values, RegisteredClient], None]
NamedBy = Callable[[str], str | None]


def presented_client(parameters: Parameters) -> str:
    """The one `client_id` of a request. Raises `Problem`: there is nobody yet to redirect to."""
    named = [value for name, value in parameters if name == "client_id"]
    if len(named) != 1:
        raise Problem(AMBIGUOUS if named else UNKNOWN_CLIENT, private=f"client_id {len(named)} times")
    return named[0]


def trusted_redirect_uri(parameters: Parameters, client: RegisteredClient) -> str:
    """The one `redirect_uri` of a request, if it is the client's own. Raises `Problem`."""
    named = [value for name, value in parameters if name == "redirect_uri"]
    if len(named) > 1:
        raise Problem(AMBIGUOUS, private="redirect_uri more than once")
    if not named or not is_registered(named[0], client.redirect_uris):
        raise Problem(WRONG_REDIRECT_URI, private=f"client {client.client_id}")
    return named[0]


def stated(parameters: Parameters) -> str | None:
    """The `state` that an answer repeats: None where the request has none, or more than one."""
    named = [value for name, value in parameters if name == "state"]
    return named[0] if len(named) == 1 and len(named[0]) <= LONGEST_VALUE else None


def check(parameters: Parameters, client: RegisteredClient, named_by: NamedBy) -> AuthorizationRequest:
    """The request, once it passed every check. Raises `Problem` or `RequestError`.

    `named_by` is whom an `id_token_hint` names, None where it is not a good one.
    """
    redirect_uri = trusted_redirect_uri(parameters, client)
    names = [name for name, _ in parameters]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise RequestError("invalid_request", f"{_printable(doubled[0])} is given more than once")
    # a parameter without a value is treated as if it were not there (RFC 6749, section 3.1)
    values = {name: value for name, value in parameters if value}
    for look in CHECKS:
        look(values, client)
    hint = values.get("id_token_hint")
    expected_sub = named_by(hint) if hint is not None else None
    if hint is not None and expected_sub is None:
        raise RequestError("invalid_request", "id_token_hint is not an ID token of this issuer")
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        # scopes that are not understood are left out (OIDC Core 1.0, section 3.1.2.1)
        scope=tuple(scope for scope in scopes.split(values["scope"]) if scope in client.scopes),
        code_challenge=values["code_challenge"],
        state=values.get("state"),
        nonce=values.get("nonce"),
        prompt=scopes.split(values.get("prompt", "")),
        max_age=int(values["max_age"]) if "max_age" in values else None,
        acr_values=scopes.split(values.get("acr_values", "")),
        login_hint=values.get("login_hint"),
        expected_sub=expected_sub,
        ui_locales=scopes.split(values.get("ui_locales", "")),
        dpop_jkt=values.get("dpop_jkt"),
    )


def _sizes(values: Values, _client: RegisteredClient) -> None:
    for name, value in values.items():
        if len(value) > LONGEST_VALUE or "\0" in value:
            raise RequestError("invalid_request", f"{_printable(name)} is too long, or holds a null character")


def _no_request_object(values: Values, _client: RegisteredClient) -> None:
    for name, error in (
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ):
        if name in values:
            raise RequestError(error, f"{name} is not supported")


def _response_type(values: Values, client: RegisteredClient) -> None:
    if "response_type" not in values:
        raise RequestError("invalid_request", "response_type is missing")
    if values["response_type"] != "code":
        raise RequestError("unsupported_response_type", "the only response_type is code")
    if "authorization_code" not in client.grant_types:
        raise RequestError("unauthorized_client", "this client may not use authorization codes")


def _response_mode(values: Values, _client: RegisteredClient) -> None:
    if values.get("response_mode", "query") != "query":
        raise RequestError("invalid_request", "the only response_mode is query")


def _proof_key(values: Values, _client: RegisteredClient) -> None:
    if "code_challenge" not in values:
        raise RequestError("invalid_request", "code_challenge is missing: every client must use PKCE")
    if values.get("code_challenge_method") != pkce.METHOD:
        raise RequestError("invalid_request", "code_challenge_method must be S256")
    if not pkce.is_challenge(values["code_challenge"]):
        raise RequestError("invalid_request", "code_challenge is not the base64url of a SHA-256")


def _dpop_key(values: Values, _client: RegisteredClient) -> None:
    if "dpop_jkt" in values and not pkce.is_challenge(values["dpop_jkt"]):  # a SHA-256 is the same to look at
        raise RequestError("invalid_request", "dpop_jkt is not the base64url of a SHA-256")


def _scope(values: Values, client: RegisteredClient) -> None:
    if scopes.OPENID not in scopes.split(values.get("scope", "")) or scopes.OPENID not in client.scopes:
        raise RequestError("invalid_scope", "scope must hold openid")


def _prompt(values: Values, _client: RegisteredClient) -> None:
    prompt = scopes.split(values.get("prompt", ""))
    if not set(prompt) <= {"none", "login", "consent", "select_account"}:
        raise RequestError("invalid_request", "prompt holds a value that is not known")
    if "none" in prompt and len(prompt) > 1:
        raise RequestError("invalid_request", "prompt none stands alone")


def _max_age(values: Values, _client: RegisteredClient) -> None:
    max_age = values.get("max_age", "0")
    if not (max_age.isascii() and max_age.isdigit() and len(max_age) <= 9):
        raise RequestError("invalid_request", "max_age is a number of seconds")


CHECKS: tuple[Check, ...] = (
    _sizes,
    _no_request_object,
    _response_type,
    _response_mode,
    _scope,
    _proof_key,
    _dpop_key,
    _prompt,
    _max_age,
)


def _printable(name: str) -> str:
    """A name that may stand in `error_description` (RFC 6749, section 4.1.2.1)."""
    sound = name.isascii() and name.replace("_", "").isalnum() and len(name) <= 64
    return name if sound else "a parameter"
