"""The console's modules in a real browser, without a page around them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, Route

from console.pages import STATIC
from tests.chromium import shared_chromium

_BASE = "http://console.localhost"
_DATA = json.dumps({"locale": "en", "texts": {}, "codes": {}})


@asynccontextmanager
async def modules() -> AsyncIterator[Page]:
    """A page in which `import("console/…")` finds every module."""
    files = {f"/{file.name}": file.read_text(encoding="utf-8") for folder in STATIC for file in folder.glob("*.js")}
    imports = {f"console/{path[1:-3]}": path for path in files}
    page_text = (
        f'<!doctype html><script type="application/json" id="console-data">{_DATA}</script>'
        f'<script type="importmap">{json.dumps({"imports": imports})}</script>'
    )

    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(_BASE)
        script = files.get(path)
        if script is None:
            await route.fulfill(body=page_text, content_type="text/html")
        else:
            await route.fulfill(body=script, content_type="text/javascript")

    async with shared_chromium() as browser:
        context = await browser.new_context()
        page = await context.new_page()
        await page.route("**/*", answer)
        await page.goto(f"{_BASE}/")
        yield page
        await context.close()
