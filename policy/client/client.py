"""The client as programs use it: one object, with a part for each part of the API."""

from __future__ import annotations

from types import TracebackType

import httpx2

from policy.client.contents import Contents
from policy.client.exchange import Exchange, Tokens
from policy.client.explanations import Explanations
from policy.client.versions import Versions
from policy.client.zones import Zones


class PolicyClient:
    """Speaks to the policy API at one address. Not for several threads at once."""

    def __init__(self, address: str, tokens: Tokens, *, http: httpx2.Client | None = None) -> None:
        """`address`: of the gateway's host, `https://console.example`; `http`: with proxies and trust of one's own."""
        self._exchange = Exchange(address, tokens, http=http)
        self.versions = Versions(self._exchange)
        self.contents = Contents(self._exchange)
        self.explanations = Explanations(self._exchange)
        self.zones = Zones(self._exchange)

    def __enter__(self) -> PolicyClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._exchange.close()
