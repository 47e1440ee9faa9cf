"""How the endpoints that clients post to answer: JSON, never stored, errors as RFC 6749, section 5.2 has them.

An error bears two more members than the RFC's: `code`, stable like every problem's of the house, and `correlation_id`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import msgspec
import structlog
from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import Response

from config.web import correlation_id
from idp.protocol import dpop

_log = structlog.get_logger(__name__)

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

ERROR_CODES = {
    "invalid_request": "MJ-IDP-020",
    "invalid_client": "MJ-IDP-021",
    "invalid_grant": "MJ-IDP-022",
    "unauthorized_client": "MJ-IDP-023",
    "unsupported_grant_type": "MJ-IDP-024",
    "invalid_scope": "MJ-IDP-025",
    "invalid_token": "MJ-IDP-027",
    "insufficient_scope": "MJ-IDP-028",
    "invalid_target": "MJ-IDP-040",
    "invalid_request_object": "MJ-IDP-041",
    "authorization_pending": "MJ-IDP-042",
    "slow_down": "MJ-IDP-043",
    "access_denied": "MJ-IDP-044",
    "expired_token": "MJ-IDP-045",
    "invalid_dpop_proof": "MJ-IDP-046",
    "use_dpop_nonce": "MJ-IDP-047",
    "unknown_user_id": "MJ-IDP-048",
    "invalid_binding_message": "MJ-IDP-049",
    "invalid_redirect_uri": "MJ-IDP-060",
    "invalid_client_metadata": "MJ-IDP-061",
    "invalid_software_statement": "MJ-IDP-062",
    "unapproved_software_statement": "MJ-IDP-063",
    "temporarily_unavailable": "MJ-IDP-065",
    "invalid_authorization_details": "MJ-IDP-066",
}


class NotNow(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """Nothing is wrong with the request, and yet nobody can answer it at the moment: that is no refusal.

    RFC 6749 has the error for the authorization endpoint (section 4.1.2.1), and none in its place at the others.
    """

    error = "temporarily_unavailable"

    def __init__(self, wait: float) -> None:
        """`wait`: seconds after which it is worth asking again."""
        super().__init__("it cannot be told at the moment whether this was used before: make it anew, a little later")
        self.wait = max(1, math.ceil(wait))


def oauth_answer(
    body: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer that nobody stores."""
    if headers:
        return Response(
            msgspec.json.encode(body),
            status_code=status,
            media_type="application/json",
            headers={**NO_STORE, **headers},
        )
    return _Plain(msgspec.json.encode(body), status)


class _Plain(Response):
    """Most of them: their headers are the same each time, and Starlette makes them each time anew."""

    def __init__(self, body: bytes, status: int) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = [*_PLAIN, (b"content-length", b"%d" % len(body))]


_PLAIN: Final = (
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"content-type", b"application/json"),
)


def oauth_error(request: Request, error: OAuth2Error, *, headers: Mapping[str, str] | None = None) -> Response:
    """An error of the core or of our own; a client that could not prove itself is asked to (RFC 6749, section 5.2)."""
    refused, not_now = error.error == "invalid_client", isinstance(error, NotNow)
    body = error_body(request, str(error.error), error.get_error_description() or None)
    _log.info("oauth_error", error=error.error, description=error.get_error_description(), path=request.url.path)
    return oauth_answer(
        body,
        status=401 if refused else 503 if not_now else 400,
        headers={
            **({"Retry-After": str(error.wait)} if not_now else {}),
            **({"WWW-Authenticate": 'Basic realm="munjigi", charset="UTF-8"'} if refused else {}),
            **(headers or {}),
        },
    )


def bearer_error(request: Request, error: str | None, *, status: int = 401) -> Response:
    """The answer of a resource to a token that is missing (`error` None) or not good (RFC 6750, section 3)."""
    challenge = 'Bearer realm="munjigi"' + (f', error="{error}"' if error else "")
    return oauth_answer(
        error_body(request, error or "invalid_token", None), status=status, headers={"WWW-Authenticate": challenge}
    )


def dpop_error(request: Request, error: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """The answer of a resource to a token that is bound to a key which was not proven (RFC 9449, section 7.1)."""
    more = {"WWW-Authenticate": dpop.challenge(error), **(headers or {})}
    return oauth_answer(error_body(request, error, None), status=401, headers=more)


def error_body(request: Request, error: str, description: str | None) -> dict[str, object]:
    """The members of an error."""
    return {
        "error": error,
        **({"error_description": description} if description else {}),
        "code": ERROR_CODES.get(error, "MJ-IDP-029"),
        "correlation_id": correlation_id(request),
    }
