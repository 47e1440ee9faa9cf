"""Stylesheets and scripts under content-addressed names, so that browsers keep them for good."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

OWN = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"
_BRIEFLY = "no-cache"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Assets:
    """An ASGI application that answers with the files of some folders, read once.

    `url("munjigi.css")` is the file's address under `base`, with a digest of its content in the query.
    """

    def __init__(self, *folders: Path, base: str) -> None:
        self._base = base.rstrip("/")
        self._files: Mapping[str, tuple[bytes, str]] = {
            file.name: (content := file.read_bytes(), hashlib.sha256(content).hexdigest()[:16])
            for folder in (OWN, *folders)
            for file in sorted(folder.iterdir())
            if file.is_file()
        }

    def url(self, name: str) -> str:
        """The address of one file. Raises `KeyError` where there is no such file."""
        return f"{self._base}/{name}?v={self._files[name][1]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].rsplit("/", 1)[-1]
        found = self._files.get(name)
        response: Response
        if scope["type"] != "http" or found is None:
            response = PlainTextResponse("There is no such file.\n", status_code=404)
        else:
            content, digest = found
            fresh = scope["query_string"] == f"v={digest}".encode()
            response = Response(
                content,
                media_type=_TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0],
                headers={
                    "Cache-Control": _FOREVER if fresh else _BRIEFLY,
                    "ETag": f'"{digest}"',
                    "X-Content-Type-Options": "nosniff",
                    "Cross-Origin-Resource-Policy": "same-origin",
                },
            )
        await response(scope, receive, send)
