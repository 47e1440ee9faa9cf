"""An answer that lives on: an event stream, a long download, a long poll."""

from __future__ import annotations

from collections.abc import Callable


class LiveStream:
    """One exchange as a `LiveConnection`: good for that exchange only, not for the next on the same connection."""

    __slots__ = ("_cut",)

    def __init__(self, cut: Callable[[str], None]) -> None:
        self._cut: Callable[[str], None] | None = cut

    def end(self, reason: str) -> None:
        """Cut it: whoever reads sees that the answer is incomplete. Where none has begun, it says so, and why."""
        cut, self._cut = self._cut, None
        if cut is not None:
            cut(reason)

    def over(self) -> None:
        """The exchange has ended by itself; `end` no longer does anything."""
        self._cut = None
