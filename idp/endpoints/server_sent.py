"""What the event streams of open pages share (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

KEEP_ALIVE: Final = 15.0
"""Seconds after which a stream without news says that it is still there."""
RETRY: Final = b"retry: 1000\n\n"
"""Milliseconds after which a browser comes back to a stream that broke off."""
STILL_HERE: Final = b": still here\n\n"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Accel-Buffering": "no",
}


def event(name: str, document: Mapping[str, object]) -> bytes:
    """One event of a name, its data as JSON."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(document))
