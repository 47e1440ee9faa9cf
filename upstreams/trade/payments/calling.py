"""One call to a provider, and the one question that matters of its answer: was anything done, or is that unknown?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec

from upstreams.trade.payments.provider import Uncertain

MOST = 256 * 1024
"""Bytes of an answer."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that could be read."""

    status: int
    content: dict[str, Any]

    @property
    def code(self) -> str:
        """The provider's word for what is wrong."""
        return str(self.content.get("code") or self.status)


class Caller:
    """Calls one provider's API. Neither redirects, nor cookies, nor the environment's proxies are used."""

    def __init__(self, base: str, authorization: str, patience: float) -> None:
        self._client = httpx2.AsyncClient(
            base_url=base,
            timeout=httpx2.Timeout(patience, connect=min(patience, 3.0)),
            headers={"Authorization": authorization, "Accept": "application/json", "Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
        )

    async def call(
        self, method: str, path: str, content: object = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """An answer with a document in it. Raises `Uncertain`."""
        body = None if content is None else msgspec.json.encode(content)
        more = {"Content-Type": "application/json"} if body is not None else {}
        try:
            async with self._client.stream(method, path, content=body, headers={**more, **(headers or {})}) as answer:
                read = bytearray()
                async for chunk in answer.aiter_raw():
                    read += chunk
                    if len(read) > MOST:
                        raise Uncertain("the answer is too long")
        except httpx2.HTTPError as error:
            raise Uncertain(type(error).__name__) from error
        if answer.status_code >= 500 or answer.status_code in (408, 409, 425, 429) or answer.status_code < 200:
            raise Uncertain(f"it answered {answer.status_code}")
        try:
            return Answered(answer.status_code, msgspec.json.decode(bytes(read), type=dict[str, Any]))
        except msgspec.MsgspecError as error:
            raise Uncertain(f"it answered {answer.status_code} with something else") from error

    async def aclose(self) -> None:
        await self._client.aclose()
