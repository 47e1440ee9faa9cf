"""The script that any page behind the gateway includes, and the module that it loads when there is something to see.

`session.js` travels in at most 6 KiB (a test measures it): comments and indentation are left out, and the rest is
compressed once, when the process starts.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

FOLDER = Path(__file__).parent / "script"
MODULES = ("session.js", "told.js")
_LEFT_OUT = re.compile(rb"^[ \t]*(?://[^\n]*)?\n?", re.MULTILINE)
"""Whole lines of comment, empty lines and indentation: never a part of a line, so nothing needs to be parsed. The only
text over several lines in the modules is a stylesheet, to which indentation means nothing."""


@dataclass(frozen=True, slots=True)
class Module:
    """One file as it is served."""

    plain: bytes
    compressed: bytes
    digest: str


class Script:
    """An ASGI application that answers with the module that the path names (RFC 9110, sections 12.5.3 and 13.1.2)."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.modules = {name: _module((folder / name).read_bytes()) for name in MODULES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        module = self.modules.get(scope["path"].rsplit("/", 1)[-1])
        response = _answer(Request(scope), module) if module else PlainTextResponse("Nothing here.\n", status_code=404)
        await response(scope, receive, send)


def _answer(request: Request, module: Module) -> Response:
    zipped = _takes_gzip(request.headers.get("accept-encoding", ""))
    tag = f'"{module.digest}-gzip"' if zipped else f'"{module.digest}"'
    headers = {
        "Cache-Control": "no-cache",
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(
        module.compressed if zipped else module.plain, media_type="text/javascript; charset=utf-8", headers=headers
    )


def _module(source: bytes) -> Module:
    plain = _LEFT_OUT.sub(b"", source)
    return Module(plain, gzip.compress(plain, 9, mtime=0), hashlib.sha256(plain).hexdigest()[:16])


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding in ("gzip", "*"):
            return not re.fullmatch(r"0(\.0*)?", weight)
    return False
