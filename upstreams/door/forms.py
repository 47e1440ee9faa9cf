"""Requests that change something come from our own pages (OWASP CSRF: fetch metadata, origin, and a token).

The person is known by the gateway's cookie, which a browser sends along with anyone's form. So a browser's request must
say that it comes from the same origin, and a form must carry a token that was made for the session at hand.
"""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import Final

from starlette.requests import HTTPConnection

from config.clock import Clock
from config.envelope import Envelope, EnvelopeError
from config.problem import Problem, ProblemType

FIELD = "form_token"
LIFETIME: Final = 12 * 3600
"""Seconds that a form may stay open: as long as a session lives at most."""
_REUSED_FOR: Final = 600
_CAPACITY: Final = 4096
_CONTEXT = "upstreams.form"

FOREIGN_ORIGIN = ProblemType(
    "MJ-DOOR-002",
    HTTPStatus.FORBIDDEN,
    "The request came from another site",
    "Open the shop itself and try again there.",
)
FORM_STALE = ProblemType(
    "MJ-DOOR-003",
    HTTPStatus.FORBIDDEN,
    "The page was open for too long, or belongs to an earlier sign-in",
    "Open the page again and send the form from there.",
)


def require_same_origin(connection: HTTPConnection) -> None:
    """Refuse what a browser sends from elsewhere. Programs, which send neither header, pass.

    Raises `FOREIGN_ORIGIN`.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        allowed = site in ("same-origin", "none")
    else:
        origin = connection.headers.get("origin")
        # a page without referrers sends `null` with its forms; the token decides then
        allowed = origin is None or origin == "null" or origin.partition("://")[2] == connection.headers.get("host")
    if not allowed:
        raise Problem(FOREIGN_ORIGIN, private=f"Sec-Fetch-Site {site!r}")


class FormTokens:
    """Makes and checks the hidden field of forms. Every process of every service that loads the same key takes them."""

    def __init__(self, envelope: Envelope, clock: Clock) -> None:
        self._envelope = envelope
        self._clock = clock
        self._made: dict[str, tuple[float, str]] = {}

    def issue(self, session: str) -> str:
        """A token for the forms of one session."""
        now = self._clock.timestamp()
        made = self._made.get(session)
        if made is not None and now - made[0] < _REUSED_FOR:
            return made[1]
        if len(self._made) >= _CAPACITY:
            del self._made[next(iter(self._made))]
        sealed = self._envelope.seal(f"{int(now)}:{session}".encode(), _CONTEXT)
        token = base64.urlsafe_b64encode(sealed).decode()
        self._made[session] = (now, token)
        return token

    def check(self, session: str, sent: str) -> None:
        """Raises `FORM_STALE` unless `sent` was made for this session within `LIFETIME`."""
        try:
            sealed = base64.urlsafe_b64decode(sent.encode())
            moment, _, made_for = self._envelope.open(sealed, _CONTEXT).decode().partition(":")
        except (EnvelopeError, binascii.Error, UnicodeError) as error:
            raise Problem(FORM_STALE, private="the token does not open") from error
        if made_for != session or self._clock.timestamp() - int(moment) > LIFETIME:
            raise Problem(FORM_STALE, private="the token is of another session, or old")
