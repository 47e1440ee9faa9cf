"""What a request shows for itself: an access token or the gateway's cookie; more than one is refused, not ranked."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus

from config.problem import ProblemType
from gateway.header import Header

COOKIE = b"__Host-munjigi"
SIGN_IN_COOKIE = b"__Host-munjigi-signin"
"""How the cookies of sign-ins under way begin: each has one of its own."""
_PREFIX = COOKIE + b"="
_OWN = (_PREFIX, SIGN_IN_COOKIE)
_TOKEN68 = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
_SCHEMES = (b"bearer", b"dpop")
TOKEN_LIMIT = 8192

AMBIGUOUS_CREDENTIALS = ProblemType(
    "MJ-GATEWAY-201",
    HTTPStatus.BAD_REQUEST,
    "The request shows more than one credential",
    "Send one bearer token or one session cookie, not both and not twice.",
)
MALFORMED_CREDENTIAL = ProblemType(
    "MJ-GATEWAY-202",
    HTTPStatus.UNAUTHORIZED,
    "The Authorization header can't be read",
    "Send `Authorization: Bearer` (or `DPoP`) and an access token of this identity provider.",
)


@dataclass(slots=True)
class Credentials:
    """What one request showed; at most one of `bearer` and `cookie` is set. Not changed once it was read."""

    bearer: bytes | None = None
    """The access token, by whichever scheme."""
    bearer_sha256: bytes = b""
    by_dpop: bool = False
    """The token came with the scheme `DPoP` (RFC 9449, section 7.1)."""
    proof: bytes | None = None
    """The one `DPoP` field; empty where there are several."""
    cookie: bytes | None = None
    """SHA-256 of the gateway's cookie."""
    other_cookies: bytes | None = None
    """The Cookie header for the upstream, without the gateway's own; None where nothing is left."""
    fault: ProblemType | None = None


def read_credentials(headers: list[Header]) -> Credentials:
    """Find the one credential of a request (RFC 6750, section 2.1; RFC 6265, section 5.4)."""
    found = Credentials()
    cookies: bytes | None = None
    authorization: bytes | None = None
    for name, value in headers:
        if name == b"cookie":
            cookies = value if cookies is None else cookies + b"; " + value
        elif name == b"authorization":
            if authorization is not None:
                found.fault = AMBIGUOUS_CREDENTIALS
            authorization = value
        elif name == b"dpop":
            found.proof = value if found.proof is None else b""
    if cookies is not None:
        _read_cookies(cookies, found)
    if authorization is not None:
        scheme, _, token = authorization.partition(b" ")
        token = token.strip(b" ")
        if found.cookie is not None:
            found.fault = AMBIGUOUS_CREDENTIALS
        elif (scheme := scheme.lower()) not in _SCHEMES or len(token) > TOKEN_LIMIT or not _TOKEN68.fullmatch(token):
            found.fault = found.fault or MALFORMED_CREDENTIAL
        else:
            found.bearer = token
            found.by_dpop = scheme == b"dpop"
            found.bearer_sha256 = hashlib.sha256(token).digest()
    return found


def _read_cookies(cookies: bytes, found: Credentials) -> None:
    if b"__Host-munjigi" not in cookies:
        found.other_cookies = cookies
        return
    kept = []
    for pair in cookies.split(b";"):
        bare = pair.strip(b" \t")
        if bare.startswith(_PREFIX):
            if found.cookie is not None:
                found.fault = AMBIGUOUS_CREDENTIALS
            found.cookie = hashlib.sha256(bare[len(_PREFIX) :]).digest()
        elif bare and not bare.startswith(_OWN):
            kept.append(bare)
    found.other_cookies = b"; ".join(kept) or None
