"""Health: told on a socket of its own, ready only when every engine answers."""

from __future__ import annotations

import httpx2

from config.health import health_application


async def test_ready_means_that_every_engine_answers():
    fine = True

    async def engine() -> None:
        if not fine:
            raise ConnectionError

    async def other() -> None:
        return

    transport = httpx2.ASGITransport(app=health_application("shop", {"engine": engine, "other": other}))
    async with httpx2.AsyncClient(transport=transport, base_url="http://health") as health:
        assert (await health.get("/healthz")).json() == {"service": "shop", "alive": True}
        ready = await health.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() == {"service": "shop", "ready": True, "engine": True, "other": True}
        fine = False
        ready = await health.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {"service": "shop", "ready": False, "engine": False, "other": True}
        assert (await health.get("/healthz")).status_code == 200
        assert b"python_info" in (await health.get("/metrics")).content
