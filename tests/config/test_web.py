"""What was raised becomes an answer: away for a moment, or wrong for good."""

from __future__ import annotations

import httpx2
import pytest
from redis.exceptions import ConnectionError as ValkeyConnectionError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from config.web import web_application

AWAY = [
    ConnectionRefusedError(111, "refused"),
    FileNotFoundError(2, "no such socket"),
    TimeoutError(),
    PoolTimeoutError(),
    OperationalError("SELECT 1", {}, Exception()),
    DBAPIError("SELECT 1", {}, Exception()),
    ValkeyConnectionError(),
]
WRONG = [
    FileNotFoundError(2, "no such file", "a.toml"),
    IntegrityError("INSERT", {}, Exception()),
    ValueError("a secret"),
]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [*((error, 503, "MJ-WEB-002") for error in AWAY), *((error, 500, "MJ-WEB-001") for error in WRONG)],
    ids=repr,
)
async def test_an_engine_that_is_away_is_told_apart_from_a_fault(error: Exception, status: int, code: str) -> None:
    async def raising(_scope: object, _receive: object, _send: object) -> None:
        raise error

    transport = httpx2.ASGITransport(app=web_application(raising))
    async with httpx2.AsyncClient(transport=transport, base_url="http://a") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("retry-after" in answer.headers) is (status == 503)
    assert "secret" not in answer.text
