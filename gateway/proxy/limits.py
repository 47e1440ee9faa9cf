"""How much and how long: every bound of the data path in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. Times are kept to the tick of `gateway.proxy.watch`."""

    head: int = 32 * 1024
    """Request line and headers together; more is answered with 431."""
    headers: int = 100
    """Header lines of a request or a response."""
    target: int = 8 * 1024
    """The request target; more is answered with 414."""
    body: int = 64 * 1024 * 1024
    """A request's body, declared or counted while it streams; more is answered with 413. A route may say otherwise."""
    answer_head: int = 256 * 1024
    """The head of an answer, with the interim answers before it, where it comes in several pieces."""
    held: int = 64 * 1024
    """Body bytes kept while the upstream is not yet ready, and discarded of a body that nobody wants."""
    frame: int = 16 * 1024 * 1024
    """The payload of one websocket frame; more ends it with 1009."""

    keep_alive: float = 75.0
    """A client's connection between two requests."""
    head_time: float = 10.0
    """From the first byte of a head to its last."""
    body_idle: float = 30.0
    """Between two pieces of a request body."""
    decide: float = 10.0
    """A pipeline that has to wait for something."""
    connect: float = 3.0
    """Until a connection to a target stands, TLS included; waiting for one, as long for each target that is tried."""
    first_byte: float = 60.0
    """From the request to the first byte of its answer."""
    stream_idle: float = 300.0
    """Between two pieces of an answer, or two frames of a websocket in either direction."""
    total: float = float("inf")
    """From the decision to the last byte of the answer; a websocket has left it behind."""
    slow_reader: float = 60.0
    """How long a client may leave what is written to it unread."""
    least_rate: float = 500.0
    """Bytes a second that a client must send of a body, or read of what is written to it, averaged over `pace`; a body
    only until its answer begins."""
    pace: float = 20.0
    """Seconds over which `least_rate` is averaged."""
    live_after: float = 0.3
    """An exchange older than this is a live connection that can be ended."""
    websocket: float = 12 * 3600.0
    """The life of one websocket."""
    close_handshake: float = 1.0
    """How long the other side of a websocket may take to answer a close frame."""
    drain: float = 10.0
    """How long answers in flight may take once the gateway is told to stop."""

    clients: int = 10_000
    """Client connections at once; more are answered with 503."""
    upstream_connections: int = 256
    """Connections to one target at once, websockets not counted."""
    upstream_waiting: int = 1024
    """Requests that wait for one of them; more are answered with 503."""
    upstream_keep_alive: float = 4.0
    """How long an unused connection to an upstream is kept: less than the upstream's own patience (uvicorn's is 5)."""
    upstream_age: float = 300.0
    """After which a connection to an upstream is closed once unused, so that another address of its name is found."""
