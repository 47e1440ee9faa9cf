"""Where a browser takes pushes (W3C Push API, section 8): read strictly, since a browser of anybody's says it."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import urlsplit

import msgspec

from config.this_machine import is_this_machine
from notifications.web_push.encryption import SECRET_SIZE, read_key

LONGEST: Final = 2048
"""Characters of an endpoint."""


class WrongSubscription(ValueError):
    """It cannot be pushed to."""


class _Keys(msgspec.Struct, frozen=True):
    p256dh: str
    auth: str


class Subscription(msgspec.Struct, frozen=True):
    """`PushSubscription.toJSON()`. Its endpoint is a capability: whoever knows it may send; it is never logged."""

    endpoint: str
    keys: _Keys

    def __repr__(self) -> str:
        return f"Subscription({self.host})"

    @property
    def host(self) -> str:
        """The push service."""
        return urlsplit(self.endpoint).netloc

    @property
    def browser_key(self) -> bytes:
        return decoded(self.keys.p256dh)

    @property
    def secret(self) -> bytes:
        return decoded(self.keys.auth)


def read_subscription(text: str) -> Subscription:
    """From the browser's JSON. Raises `WrongSubscription`.

    An endpoint is `https` (RFC 8030, section 8.1), or on this machine, for push services of developers; whether it is
    asked at all is decided where it is asked (`config.outbound`).
    """
    try:
        read = msgspec.json.decode(text, type=Subscription)
        parts = urlsplit(read.endpoint)
        port_is_one = parts.port is None or parts.port > 0
        read_key(read.browser_key)
        size = len(read.secret)
    except (msgspec.MsgspecError, ValueError) as error:
        raise WrongSubscription("not a subscription") from error
    here = parts.scheme == "http" and is_this_machine(parts.hostname or "")
    if not (parts.scheme == "https" or here) or not parts.hostname or parts.username or not port_is_one:
        raise WrongSubscription("an https endpoint is expected")
    if len(read.endpoint) > LONGEST or size != SECRET_SIZE:
        raise WrongSubscription("too long, or not its secret")
    return read


def decoded(text: str) -> bytes:
    """Base64url without padding, as browsers write it. Raises `ValueError`."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
