"""Whom an authorization request is answered to.

Until the redirect URI is known to be the client's own, whatever is wrong is told to the person on a page (`Problem`);
from then on it is told to the client there (`RequestError`, RFC 6749, section 4.1.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from config.problem import Problem, ProblemType
from idp.authorization.answer import ReturnAddress, response_mode
from idp.authorization.registered import RegisteredClient
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


UNUSABLE_OBJECT = ProblemType(
    "MJ-IDP-013",
    HTTPStatus.BAD_REQUEST,
    "The application's signed request can't be believed",
    "Open the application again. If this comes back, tell its makers.",
)
UNUSABLE_REFERENCE = ProblemType(
    "MJ-IDP-014",
    HTTPStatus.BAD_REQUEST,
    "The application's request is not there any more",
    "Open the application again: its request is kept for a short while, and used once.",
)
_ON_A_PAGE = {"invalid_request_object": UNUSABLE_OBJECT, "invalid_request_uri": UNUSABLE_REFERENCE}


class RequestError(Exception):
    """An error that the client is told at its own redirect URI."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


Parameters = Sequence[tuple[str, str]]


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


def given(parameters: Parameters, name: str) -> str | None:
    """The one value of a parameter. Raises `RequestError` where there is more than one."""
    found = [value for named, value in parameters if named == name and value]
    if len(found) > 1:
        raise RequestError("invalid_request", f"{name} is given more than once")
    return found[0] if found else None


def stated(parameters: Parameters) -> str | None:
    """The `state` that an answer repeats: None where the request has none, or more than one."""
    named = [value for name, value in parameters if name == "state"]
    return named[0] if len(named) == 1 and len(named[0]) <= LONGEST_VALUE else None


def return_address(parameters: Parameters, client: RegisteredClient, error: RequestError) -> ReturnAddress:
    """Where a client is told of an error in a request like this.

    Raises `Problem` where no redirect URI of its own is known: an error of a request object may come before any is.
    """
    try:
        redirect_uri = trusted_redirect_uri(parameters, client)
    except Problem as problem:
        if error.error in _ON_A_PAGE:
            raise Problem(_ON_A_PAGE[error.error], private=str(error)) from problem
        raise
    modes = [value for name, value in parameters if name == "response_mode"]
    return ReturnAddress.of(
        redirect_uri,
        stated(parameters),
        (response_mode(modes[0]) if len(modes) == 1 else None) or "query",
        client_id=client.client_id,
        algorithm=client.metadata.authorization_signed_response_alg,
    )
