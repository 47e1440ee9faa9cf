"""A request's body, read within a bound."""

from __future__ import annotations

from starlette.requests import Request


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
    body, more = bytearray(), True
    while more:
        message = await request.receive()  # `Request.stream` costs a generator more
        if message["type"] == "http.disconnect":
            raise BrokenOff
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most:
            raise TooLarge
    return bytes(body)
