"""A span for each exchange that is sampled, and a `traceparent` for the upstream of every one.

Of the others nothing is kept: their trace has an id, so that services behind the gateway agree, and no flag.
"""

from __future__ import annotations

from collections.abc import Callable

from config.clock import Clock
from config.entropy import Entropy
from gateway.exchange import RequestHead
from gateway.telemetry.measured import Exchange, Traced
from gateway.telemetry.spans import Span, span_of
from gateway.telemetry.trace_context import TRACE, Parent

_BITS = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio: successive multiples are spread evenly, so any share of them can be taken."""


class Tracing:
    """Of one process."""

    def __init__(self, *, share: float, clock: Clock, entropy: Entropy, heard: Callable[[Span], None]) -> None:
        """`share`: of the exchanges that no trusted peer decided on, from 0 to 1; `heard` takes each span."""
        self._clock = clock
        self._heard = heard
        self._below = int(share * (1 << 64))
        self._beginning = entropy.uuid().hex[:8].encode() + entropy.uuid().hex[:8].encode()
        self._line = b"traceparent: 00-" + self._beginning
        self._count = entropy.uuid().int & _BITS

    def onward(self, head: RequestHead) -> tuple[bytes, Traced | None]:
        """The `traceparent` line for the upstream of a request, and what to keep of it until it ends."""
        self._count = count = (self._count + _STEP) & _BITS
        parent: Parent | None = head.notes.get(TRACE)
        if parent is None:
            if count >= self._below:
                own = b"%016x" % (count or 1)
                return b"%b%b-%b-00" % (self._line, own, own), None
            own = b"%016x" % (count or 1)
            traced = Traced((self._beginning + own).decode(), own.decode())
        elif parent.sampled:
            traced = Traced(parent.trace_id, f"{count or 1:016x}", parent.span_id)
        else:
            return f"traceparent: 00-{parent.trace_id}-{count or 1:016x}-00".encode(), None
        return f"traceparent: 00-{traced.trace_id}-{traced.span_id}-01".encode(), traced

    def ended(self, exchange: Exchange, head: RequestHead, seconds: float) -> None:
        """An exchange is over: its span is made where it is sampled. One that went nowhere is sampled only now."""
        traced = exchange.traced
        if traced is None and not exchange.forwarded:
            traced = exchange.traced = self.onward(head)[1]
        if traced is not None:
            self._heard(span_of(traced, exchange, head, seconds, self._clock.timestamp()))
