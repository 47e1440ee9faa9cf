"""Resource indicators (RFC 8707): where an access token is to be good."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from idp.protocol import access_token

PARAMETER = "resource"
"""The only parameter of a request that may stand in it several times (section 2)."""
LONGEST = 512
"""Characters of one resource."""
MOST = 8
"""Resources of one request."""


class InvalidTarget(ValueError):
    """`invalid_target`; the message says why, and may be shown."""


def targets(asked: Sequence[str], allowed: Collection[str]) -> tuple[str, ...]:
    """The resources that a request names, each once, in order. Raises `InvalidTarget`.

    `allowed` are those that the client may ask for beside the house's own services.
    """
    named = tuple(dict.fromkeys(asked))
    if len(named) > MOST:
        raise InvalidTarget("resource is given too often")
    for resource in named:
        if not is_resource(resource):
            raise InvalidTarget("resource must be an absolute URI without a fragment")
        if resource != access_token.AUDIENCE and resource not in allowed:
            raise InvalidTarget("this client may not ask for tokens for that resource")
    return named


def audiences(asked: Sequence[str], granted: Sequence[str]) -> tuple[str, ...]:
    """Where a token is good that is asked for at the token endpoint (section 2.2). Raises `InvalidTarget`.

    `granted` is what the authorization request named: a token may be for less, and never for more. Whoever named
    nothing was granted the house's own services.
    """
    whole = tuple(granted) or (access_token.AUDIENCE,)
    named = tuple(dict.fromkeys(asked))
    if not set(named) <= set(whole):
        raise InvalidTarget("that resource was not granted")
    return named or whole


def is_resource(text: str) -> bool:
    """Whether this is an absolute URI without a fragment (section 2; RFC 3986, section 4.3)."""
    if not text.isascii() or len(text) > LONGEST or any(c <= " " or c in '"\\<>^`{|}\x7f' for c in text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and "#" not in text
