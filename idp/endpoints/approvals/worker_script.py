"""`GET /approvals/worker.js`: the service worker, served where its scope is.

A worker may control no more than the folder of its script (W3C Service Workers, section 4.3): `/approvals/` alone. It
has its words with it, in both languages, since it speaks where no page is open.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from pages import Pages
from pages.locale import LOCALES


class WorkerScript:
    """The script with its words, made once."""

    def __init__(self, script: Path, pages: Pages) -> None:
        texts = {locale: pages.catalogue.section("approvals.worker", locale) for locale in LOCALES}
        self._script = b"const TEXTS = %s;\n" % msgspec.json.encode(texts) + script.read_bytes()

    async def __call__(self, request: Request) -> Response:
        # it fetches nothing: what it shows is in the push, what is asked is on a page
        headers = {
            "Content-Security-Policy": "default-src 'none'",
            "Cache-Control": "no-cache",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        return Response(self._script, media_type="text/javascript", headers=headers)
