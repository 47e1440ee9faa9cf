"""Whoever carries text messages: what they are given, and what their answers mean for the next attempt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import httpx2

from config.settings import WrongSettings
from config.this_machine import is_this_machine
from notifications.outcome import Away, Deferred

LARGEST_ANSWER: Final = 65_536
"""Bytes that are read of an answer."""
LONGEST_WAIT: Final = 3600.0
"""Seconds that a provider may ask to be left alone for, at most: a wrong date stops nothing for ever."""
_STEP: Final = httpx2.Timeout(15.0, connect=5.0)
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text message."""

    id: UUID
    to: str
    """E.164: `+821012345678`."""
    words: str = field(repr=False)
    expires_at: datetime
    """When nobody needs it any more."""


class SmsProvider(Protocol):
    """Whoever carries texts."""

    @property
    def name(self) -> str:
        """As settings and records name it."""

    async def send(self, text: Text, now: datetime) -> str:
        """Returns once the text was taken, with what it is called there. Raises `Refused`, `Deferred`, `Away`."""

    async def leave(self) -> None:
        """Close what is open."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Line:
    """HTTP to one provider: connections that are kept until `leave`."""

    def __init__(self, api: str, setting: str) -> None:
        """`api`: its origin. Raises `WrongSettings` where texts would travel in the clear beyond this machine."""
        parts = urlsplit(api)
        if parts.scheme != "https" and not is_this_machine(parts.hostname or ""):
            raise WrongSettings(
                f"{setting}: codes and numbers must not travel in the clear; an https address is expected."
            )
        self._api = api
        self._client: httpx2.AsyncClient | None = None

    async def post(self, path: str, *, headers: Mapping[str, str], content: bytes) -> Answer:
        """One exchange. Raises `Away` where nobody is there, `Deferred` where nobody knows what became of it."""
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=_STEP, follow_redirects=False, trust_env=False)
        try:
            async with self._client.stream("POST", f"{self._api}{path}", headers=headers, content=content) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise Deferred("the answer is too long")
                return Answer(response.status_code, dict(response.headers), bytes(body))
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise Away(type(error).__name__) from error
        except (httpx2.HTTPError, OSError) as error:
            raise Deferred(f"broken off ({type(error).__name__})") from error

    async def leave(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def unless_taken(answer: Answer, code: str, now: datetime) -> Exception | None:
    """What an answer means that has nothing to do with this one text; `None`: it is about the text, or a yes.

    429 asks to be left alone (RFC 6585, section 4), 401, 402 and 403 do not know us or want to be paid: nothing goes
    until that is over. 5xx may be over soon.
    """
    told = said(answer.status, code)
    if answer.status == 429:
        return Away(told, wait=retry_after(answer.headers, now))
    if answer.status == 503 and "retry-after" in answer.headers:
        return Away(told, wait=retry_after(answer.headers, now))
    if answer.status in (401, 402, 403):
        return Away(told)
    if answer.status >= 500 or answer.status == 408:
        return Deferred(told)
    return None


def said(status: int, code: str) -> str:
    """An answer as it is kept: its status and its code. Not its words: they may quote the number."""
    return f"{status} {code}" if code and _CODE.fullmatch(code) else str(status)


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds that an answer asks to wait (RFC 9110, section 10.2.3); 0 where it says nothing that can be read."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:6]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, (at - now).total_seconds()), LONGEST_WAIT)
