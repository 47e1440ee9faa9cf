"""The cookie by which a guest's cart is found: its id, sealed, so that nobody finds another's by guessing."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from config.envelope import Envelope, EnvelopeError

COOKIE: Final = "cart"
LIFETIME: Final = 30 * 86_400
"""Seconds since it was last touched."""
_CONTEXT = "commerce.cart"


class GuestCookie:
    """Reads and writes it."""

    def __init__(self, envelope: Envelope, *, secure: bool) -> None:
        """`secure`: whether the shop is reached by https alone."""
        self._envelope = envelope
        self._secure = secure

    def read(self, request: Request) -> UUID | None:
        """The id of the guest's cart; None without a cookie of ours."""
        sent = request.cookies.get(COOKIE, "")
        if not sent:
            return None
        try:
            return UUID(bytes=self._envelope.open(base64.urlsafe_b64decode(sent.encode()), _CONTEXT))
        except (EnvelopeError, binascii.Error, ValueError):
            return None

    def put(self, response: Response, cart: UUID) -> None:
        """Have the browser keep it."""
        sealed = base64.urlsafe_b64encode(self._envelope.seal(cart.bytes, _CONTEXT)).decode()
        response.set_cookie(
            COOKIE, sealed, max_age=LIFETIME, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def take(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(COOKIE, path="/", secure=self._secure, httponly=True, samesite="lax")
