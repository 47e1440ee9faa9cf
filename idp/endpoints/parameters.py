"""What a request says, each thing once: the query, or a small form."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request

from config.body import BrokenOff, TooLarge, WrongMediaType, read_body

FORM = "application/x-www-form-urlencoded"
LARGEST = 65_536
"""Bytes of a body."""
MOST = 64
"""Parameters of one request."""


class Unreadable(Exception):
    """A request whose parameters cannot be read; the message says why, and may be shown."""


async def read_form(request: Request) -> Sequence[tuple[str, str]]:
    """The fields of a posted form, in order. Raises `Unreadable`."""
    return _parse(await read_bounded(request, FORM))


async def read_bounded(request: Request, media_type: str) -> bytes:
    """The body. Raises `Unreadable`: it is something else, or too large."""
    try:
        return await read_body(request, media_type=media_type, most=LARGEST)
    except WrongMediaType:
        raise Unreadable(f"the body must be {media_type}") from None
    except TooLarge:
        raise Unreadable("the body is too large") from None
    except BrokenOff:
        raise Unreadable("the body broke off") from None


def read_query(request: Request) -> Sequence[tuple[str, str]]:
    """The parameters of the query, in order. Raises `Unreadable`."""
    return _parse(request.scope["query_string"])


def once_each(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The parameters by name; one without a value counts as absent. Raises `Unreadable` where one stands twice."""
    named = dict(parameters)
    if len(named) != len(parameters):
        raise Unreadable("a parameter is given more than once")
    return {name: value for name, value in named.items() if value}


def _parse(encoded: bytes) -> Sequence[tuple[str, str]]:
    try:
        text = encoded.decode("ascii")
        if "%" in text or "+" in text:
            return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except ValueError:
        raise Unreadable("the parameters cannot be read") from None
    pairs = text.split("&")  # what needs no decoding: `parse_qsl` tries to, and takes four times as long
    if len(pairs) > MOST:
        raise Unreadable("the parameters cannot be read")
    return [(name, value) for name, _, value in [pair.partition("=") for pair in pairs if pair]]
