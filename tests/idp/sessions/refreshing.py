"""A node of the identity provider in a process of its own, whose clients refresh until they are refused.

Reads lines of JSON, `{"at": monotonic seconds, "pairs": [[number, delay, refresh token], …]}`, and answers each with
what every client saw: `[[number, [[begun, status], …], still active], …]`. The monotonic clock is that of the machine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import Any

import httpx2
import structlog

from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.settings import Settings
from tests.idp.provider import SECRET, Provider, running_provider


async def _client(provider: Provider, http: httpx2.AsyncClient, start: float, pair: list[Any]) -> list[Any]:
    number, delay, token = pair
    auth = httpx2.BasicAuth("app", SECRET)
    await asyncio.sleep(max(0.0, start + delay - time.monotonic()))
    seen, access, status = [], "", 200
    while status == 200:
        begun = time.monotonic()
        answer = await _refresh(http, token, auth)
        status = answer.status_code
        seen.append([begun, status])
        if status == 200:
            body = answer.json()
            token, access = body["refresh_token"], body["access_token"]
    active = False
    for left in (token, access):
        answer = await http.post("/introspect", data={"token": left}, auth=auth)
        active = active or (answer.status_code == 200 and answer.json()["active"])
    again = await _refresh(http, token, auth)
    seen.append([time.monotonic(), again.status_code])
    return [number, seen, active]


async def _refresh(http: httpx2.AsyncClient, token: str, auth: httpx2.Auth) -> httpx2.Response:
    """Asks again where it is told that nothing happened: on a busy machine the pool may be full for five seconds."""
    while True:
        answer = await http.post("/token", data={"grant_type": "refresh_token", "refresh_token": token}, auth=auth)
        if answer.status_code != 503:
            return answer


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    settings = Settings()
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    loop = asyncio.get_running_loop()
    try:
        async with running_provider(settings, database, valkey, SystemClock()) as provider, provider.client() as http:
            _say("ready")
            while line := await loop.run_in_executor(None, sys.stdin.readline):
                asked = json.loads(line)
                found = await asyncio.gather(*(_client(provider, http, asked["at"], pair) for pair in asked["pairs"]))
                _say(json.dumps(found))
    finally:
        await valkey.aclose()
        await database.dispose()


if __name__ == "__main__":
    asyncio.run(main())
