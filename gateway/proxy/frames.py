"""Where websocket frames begin and end (RFC 6455, section 5.2), without looking into them."""

from __future__ import annotations

CLOSE_GOING_AWAY = 1001
CLOSE_PROTOCOL_ERROR = 1002
CLOSE_TOO_BIG = 1009
CLOSE_SESSION_ENDED = 4401
"""The session that let this connection in has ended; the reason stands beside it."""

_CLOSE = 0x8


class FrameError(Exception):
    """The other side breaks the protocol; `code` says how (section 7.4.1)."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class FrameBoundaries:
    """Follows one direction of a websocket."""

    __slots__ = ("_bound", "_head", "_left", "_masked", "close_seen")

    def __init__(self, *, masked: bool, bound: int) -> None:
        """`masked`: this direction's frames are, as from a client (section 5.1). `bound`: payload bytes of a frame."""
        self._masked = masked
        self._bound = bound
        self._head = b""
        self._left = 0
        self.close_seen = False
        """A close frame began; nothing may follow it (section 5.5.1)."""

    @property
    def at_boundary(self) -> bool:
        """Whether a frame of another source may be put in here."""
        return not self._left and not self._head

    def advance(self, data: bytes, *, stop_at_boundary: bool = False) -> int:
        """Follow `data`; the number of its bytes that were read: all of them, or those up to the next boundary.

        Raises `FrameError` on a frame that is too long, masked where it must not be (or the reverse), or on a control
        frame that is fragmented or longer than 125 bytes.
        """
        at = 0
        size = len(data)
        while at < size:
            if self._left:
                step = min(self._left, size - at)
                self._left -= step
                at += step
            else:
                at = self._read_head(data, at)
            if stop_at_boundary and self.at_boundary:
                break
        return at

    def _read_head(self, data: bytes, at: int) -> int:
        have = len(self._head)
        head = self._head + data[at : at + 14 - have]
        if len(head) < 2:
            self._head = head
            return at + len(head) - have
        length = head[1] & 0x7F
        extended = 2 if length == 126 else 8 if length == 127 else 0
        needed = 2 + extended + (4 if self._masked else 0)
        if have < 2:
            self._check(head[0], head[1])
        if len(head) < needed:
            self._head = head
            return at + len(head) - have
        if extended:
            length = int.from_bytes(head[2 : 2 + extended], "big")
        if length > self._bound:
            raise FrameError(CLOSE_TOO_BIG)
        self._head = b""
        self._left = length
        return at + needed - have

    def _check(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if self.close_seen or bool(second & 0x80) is not self._masked:
            raise FrameError(CLOSE_PROTOCOL_ERROR)
        if opcode & 0x8 and (not first & 0x80 or second & 0x7F > 125):
            raise FrameError(CLOSE_PROTOCOL_ERROR)
        if opcode == _CLOSE:
            self.close_seen = True


def close_frame(code: int, reason: str = "", *, mask: bytes | None = None) -> bytes:
    """A close frame (section 5.5.1); `mask`: four bytes, towards a server."""
    payload = code.to_bytes(2, "big") + reason.encode("utf-8")[:123].decode("utf-8", "ignore").encode("utf-8")
    if mask is None:
        return bytes((0x80 | _CLOSE, len(payload))) + payload
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes((0x80 | _CLOSE, 0x80 | len(payload))) + mask + masked
