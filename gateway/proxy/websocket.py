"""Websockets through the gateway: the handshake checked on both sides, then bytes both ways until somebody ends it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Sequence

from gateway.header import Header
from gateway.inbound.header_hygiene import named_by_connection
from gateway.proxy.frames import (
    CLOSE_GOING_AWAY,
    CLOSE_SESSION_ENDED,
    FrameBoundaries,
    FrameError,
    close_frame,
)
from gateway.proxy.limits import Limits
from gateway.proxy.upstream import UpstreamConnection
from gateway.proxy.watch import Watch

_ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINISH_FRAME = 0.04
"""Seconds for the upstream to finish the frame that is under way when the session ends; then the connection is cut."""


def is_handshake_key(value: bytes) -> bool:
    """Whether a Sec-WebSocket-Key is 16 bytes in base64 (section 4.2.1)."""
    try:
        return len(value) == 24 and len(base64.b64decode(value, validate=True)) == 16
    except ValueError:
        return False


def accept_value(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept that proves that the handshake was read (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _ACCEPT_SUFFIX, usedforsecurity=False).digest())


def checked_switch(request: Sequence[Header], response: Sequence[Header]) -> list[Header] | None:
    """The headers for the client's 101, or None where the upstream's does not answer this handshake (section 4.1).

    That its Connection says `Upgrade` is llhttp's to find.
    """

    def values(headers: Sequence[Header], name: bytes) -> list[bytes]:
        return [value.strip(b" \t") for key, value in headers if key == name]

    key = values(request, b"sec-websocket-key")
    offered = named_by_connection(values(request, b"sec-websocket-protocol"))
    chosen = values(response, b"sec-websocket-protocol")
    extensions = {
        item.partition(b";")[0].strip() for item in named_by_connection(values(request, b"sec-websocket-extensions"))
    }
    agreed = {
        item.partition(b";")[0].strip() for item in named_by_connection(values(response, b"sec-websocket-extensions"))
    }
    sound = (
        len(key) == 1
        and values(response, b"sec-websocket-accept") == [accept_value(key[0])]
        and [value.lower() for value in values(response, b"upgrade")] == [b"websocket"]
        and len(chosen) <= 1
        and all(value.lower() in offered for value in chosen)
        and agreed <= extensions
    )
    return [header for header in response if header[0] != b"upgrade"] if sound else None


class Splice:
    """A websocket after its handshake. It is its own `LiveConnection`."""

    def __init__(
        self,
        client: asyncio.Transport,
        upstream: UpstreamConnection,
        *,
        limits: Limits,
        watch: Watch,
        mask: bytes,
        over: Callable[[], None],
    ) -> None:
        """`mask`: four random bytes for the gateway's own frame to the upstream. `over`: called once, at the end."""
        self._client = client
        self._upstream = upstream
        self._limits = limits
        self._watch = watch
        self._mask = mask
        self._over: Callable[[], None] | None = over
        self._to_client = FrameBoundaries(masked=False, bound=limits.frame)
        self._to_upstream = FrameBoundaries(masked=True, bound=limits.frame)
        self._ending: tuple[int, str] | None = None
        """The close that waits for the end of the frame under way to the client."""
        self._told = False
        """The gateway's own close frame went to the client; nothing else will."""
        self._out_of_step = False
        """The client broke the protocol: where its frames end is no longer known."""
        self._idle_at = watch.now + limits.stream_idle
        self._dies_at = watch.now + limits.websocket
        self._cut: asyncio.TimerHandle | None = None
        self.sent = 0
        """Bytes to the client."""

    # --- LiveConnection

    def end(self, reason: str) -> None:
        """Close with 4401 and `reason` at the next frame boundary, and cut soon after whatever happens."""
        self.close(CLOSE_SESSION_ENDED, reason)

    def close(self, code: int, reason: str = "") -> None:
        """From now on nothing passes in either direction but the rest of the frame that is under way to the client."""
        if self._over is None or self._told or self._ending is not None:
            return
        self._ending = (code, reason)
        self._client.resume_reading()
        if self._to_client.at_boundary:
            self._tell()
        else:
            self._cut_after(_FINISH_FRAME)

    # --- bytes

    def from_client(self, data: bytes) -> None:
        if self._told:
            if self._to_upstream_close(data):
                self._client.close()
            return
        if self._ending is not None:
            self._swallow(data)
            return
        self._idle_at = self._watch.now + self._limits.stream_idle
        try:
            self._to_upstream.advance(data)
        except FrameError as error:
            self._out_of_step = True
            self.close(error.code)
            return
        self._upstream.write(data)

    def from_upstream(self, data: bytes) -> None:
        if self._told:
            return
        if self._ending is not None:
            try:
                end = self._to_client.advance(data, stop_at_boundary=True)
            except FrameError:
                self.cut()
                return
            self.sent += end
            self._client.write(data[:end])
            if self._to_client.at_boundary:
                self._tell()
            return
        self._idle_at = self._watch.now + self._limits.stream_idle
        was_at_boundary = self._to_client.at_boundary
        try:
            self._to_client.advance(data)
        except FrameError as error:
            # what came in this piece is not passed on, so the client stands where it stood before
            if was_at_boundary:
                self._to_client = FrameBoundaries(masked=False, bound=self._limits.frame)
                self.close(error.code)
            else:
                self.cut()
            return
        self.sent += len(data)
        self._client.write(data)

    def client_lost(self) -> None:
        """The client's connection is closed."""
        self._finish()
        self._upstream.transport.close()

    def upstream_lost(self) -> None:
        """The upstream's connection is closed."""
        if self._told:
            return
        gone = self._client.is_closing()  # both were cut at once, and this side is told first
        if gone or self._to_client.close_seen or self._ending is not None or not self._to_client.at_boundary:
            self._client.close()
        else:
            self._client.write(close_frame(CLOSE_GOING_AWAY, "upstream gone"))
            self._client.close()
        self._finish()

    def client_writable(self, writable: bool) -> None:
        transport = self._upstream.transport
        if not transport.is_closing():
            transport.resume_reading() if writable else transport.pause_reading()

    def upstream_writable(self, writable: bool) -> None:
        if not self._client.is_closing() and not self._told and self._ending is None:
            self._client.resume_reading() if writable else self._client.pause_reading()

    def check(self, now: float) -> None:
        """Called every tick."""
        if now >= self._dies_at or now >= self._idle_at:
            self.close(CLOSE_GOING_AWAY, "lifetime" if now >= self._dies_at else "idle")

    # --- the end

    def _tell(self) -> None:
        assert self._ending is not None
        code, reason = self._ending
        self._told = True
        self._client.write(close_frame(code, reason))
        if self._to_upstream.at_boundary and not (self._to_upstream.close_seen or self._out_of_step):
            upstream_code = CLOSE_GOING_AWAY if code == CLOSE_SESSION_ENDED else code
            self._upstream.write(close_frame(upstream_code, reason, mask=self._mask))
        self._upstream.transport.close()
        self._cut_after(self._limits.close_handshake)

    def _swallow(self, data: bytes) -> None:
        try:
            self._to_upstream.advance(data)
        except FrameError:
            self.cut()

    def _to_upstream_close(self, data: bytes) -> bool:
        try:
            self._to_upstream.advance(data)
        except FrameError:
            return True
        return self._to_upstream.close_seen and self._to_upstream.at_boundary

    def _cut_after(self, seconds: float) -> None:
        if self._cut is not None:
            self._cut.cancel()
        self._cut = asyncio.get_running_loop().call_later(seconds, self.cut)

    def cut(self) -> None:
        """Close both sides at once, without a word."""
        self._client.abort()
        self._upstream.transport.abort()
        self._finish()

    def _finish(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
        over, self._over = self._over, None
        if over is not None:
            over()
