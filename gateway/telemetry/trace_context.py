"""W3C Trace Context: what a peer says of the trace that its request belongs to, and what an upstream is told.

Level 1, sections 3.2 and 3.3. Only of trusted peers is it believed: a stranger could have requests of others traced as
one, or all of theirs recorded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.header import Header

TRACEPARENT, TRACESTATE = b"traceparent", b"tracestate"
TRACE_FIELDS = frozenset((TRACEPARENT, TRACESTATE))
TRACE = "trace"
"""The note of a request head that is the `Parent` whom a trusted peer named."""
SAMPLED = 1
_FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_STATE_BOUND = 512
"""Characters of `tracestate` that are passed on; of more, nothing is (section 3.3.1.5 lets us)."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The span that the request was sent in."""

    trace_id: str
    span_id: str
    sampled: bool


def read_traceparent(value: bytes) -> Parent | None:
    """The parent, or None where the value says none (section 3.2.2)."""
    found = _FORM.fullmatch(value.strip(b" \t"))
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[5] is not None):
        return None
    trace_id, span_id = found[2].decode("ascii"), found[3].decode("ascii")
    if not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return Parent(trace_id, span_id, bool(int(found[4], 16) & SAMPLED))


def believed(fields: Sequence[Header]) -> tuple[Parent | None, list[Header]]:
    """What these trace fields of a trusted peer say, and which may pass on, `traceparent` first; both or neither."""
    parents = [value for name, value in fields if name == TRACEPARENT]
    parent = read_traceparent(parents[0]) if len(parents) == 1 else None
    if parent is None:
        return None, []
    states = [header for header in fields if header[0] == TRACESTATE]
    if sum(len(value) for _, value in states) > _STATE_BOUND:
        states = []
    return parent, [(TRACEPARENT, parents[0].strip(b" \t")), *states]
