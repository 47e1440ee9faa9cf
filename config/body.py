"""A request's body, read within a bound."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request


class WrongMediaType(Exception):
    """The body says that it is something else."""


class TooLarge(Exception):
    """The body has more bytes than are taken."""


class BrokenOff(Exception):
    """Whoever sent the body went away in the midst of it; nobody is there to be answered."""


async def read_body(request: Request, *, media_type: str, most: int) -> bytes:
    """The body, of this media type and of at most so many bytes. Raises `WrongMediaType`, `TooLarge`, `BrokenOff`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
        raise WrongMediaType
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise TooLarge
    except ClientDisconnect:
        raise BrokenOff from None
    return bytes(body)
