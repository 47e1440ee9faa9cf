"""What an upstream's connection needs of the client's side."""

from __future__ import annotations

import asyncio
from typing import Protocol

from config.problem import ProblemType
from gateway.exchange import BodyRewrite, Rewrite
from gateway.header import Header


class Downstream(Protocol):
    """The client's side of an exchange, as an upstream's connection sees it."""

    transport: asyncio.Transport
    without_body: bool
    """The request was HEAD."""
    takes_chunks: bool
    """The client speaks HTTP/1.1."""
    takes_trailers: bool
    """It said so: `TE: trailers` (RFC 9110, section 10.1.4)."""
    expects_continue: bool
    upgrade: bool
    correlation_line: bytes
    bytes_out: int
    """What the client was sent, counted by whoever sends it."""
    rewrite: Rewrite | None

    def response_whole(self, status: int, lines: bytes, body: bytes) -> bool:
        """All of an answer is there, its head known to be sound. Says whether it was passed on; then `response_ends`
        follows. False: more is to be done than to pass it on, or it is the last one on the client's connection."""

    def response_begins(self, status: int) -> bool:
        """The final head is there; tells whether the client's connection will be kept."""

    def response_rewritten(self, status: int, lines: list[bytes]) -> BodyRewrite | None:
        """What changes the body that follows; asked where `rewrite` is set. May change the head's lines in place."""

    def response_lasts(self) -> None:
        """One begins that may last: nobody knows its length, or it is a large download."""

    def response_moves(self) -> None:
        """Its head and maybe more was passed on."""

    def response_ends(self, reusable: bool) -> None:
        """All of it was. `reusable`: the connection may carry another request."""

    def response_fails(self, problem: ProblemType, *, untouched: bool, stale: bool) -> None:
        """It will not end. `untouched`: no byte of an answer came; `stale`: nor was the connection a new one.

        A stale one may have been closed for its age alone.
        """

    def response_switches(self, headers: list[Header], rest: bytes) -> None:
        """The upstream answered 101."""

    def upstream_writable(self, writable: bool) -> None:
        """The request's body may go on, or must wait."""


class Tunnel(Protocol):
    """What a connection carries after 101."""

    def from_upstream(self, data: bytes) -> None:
        """Bytes of the upstream."""

    def upstream_lost(self) -> None:
        """The upstream's connection is closed."""

    def upstream_writable(self, writable: bool) -> None:
        """The upstream takes more, or is slow."""
