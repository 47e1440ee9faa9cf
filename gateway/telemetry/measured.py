"""What the data path measures of an exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Traced:
    """What is known of a sampled exchange while it goes on."""

    trace_id: str
    span_id: str
    parent_id: str = ""


class Exchange(Protocol):
    """An exchange that is over, as the data path measured it. Moments are of `time.perf_counter`; 0: it never came."""

    began: float
    decided_at: float
    answered_at: float
    """The upstream's answer began."""
    status: int
    """0: the client went before there was an answer."""
    bytes_in: int
    """Head and body of the request, and what came through a websocket."""
    bytes_out: int
    traced: Traced | None
    forwarded: bool
    """It went on to an upstream; said where there is tracing."""
    asked_by: str
    """The kind of proxy that held the request and asked at a door; empty: the gateway itself held it."""

    @property
    def correlation_id(self) -> str:
        """Which one it is."""

    @property
    def peer(self) -> str:
        """Who is at the other end of the connection."""
