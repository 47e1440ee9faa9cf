"""Chromium at a service, as if the gateway stood before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright
from starlette.types import ASGIApp, Receive, Scope, Send

from config.clock import SystemClock
from config.serving import serve_application
from jose.assertion import HEADER
from tests.chromium import light_program
from tests.house import free_port
from tests.upstreams.conftest import Client


@asynccontextmanager
async def browsing(client: Client) -> AsyncIterator[Page]:
    """A narrow page in English, of one person."""
    app: ASGIApp = client.http._transport.app  # type: ignore[attr-defined]

    async def asserted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            said = client.signer.sign("reservation", client.someone.subject, zone="shop", now=SystemClock().timestamp())
            scope = {**scope, "headers": [*scope["headers"], (HEADER.lower().encode(), said.encode())]}
        await app(scope, receive, send)

    port, ready, stop = free_port(), asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve_application(asserted, f"127.0.0.1:{port}", ready=ready.set, stop=stop))
    await ready.wait()
    try:
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(
                executable_path=light_program(),
                args=["--no-sandbox", f"--host-resolver-rules=MAP shop.localhost:8080 127.0.0.1:{port}"],
            )
            context = await chromium.new_context(locale="en-US", viewport={"width": 320, "height": 700})
            yield await context.new_page()
            await chromium.close()
    finally:
        stop.set()
        await serving
