"""What somebody is told who asks for more than they may, or while there is more than this process can do.

A person gets a page and a program a problem. A page costs as much as many requests, so of pages there are so many a
second and no more: whoever comes in a flood, whatever they say they are, gets the short answer.
"""

from __future__ import annotations

import math
from http import HTTPStatus

import msgspec

from config.clock import Clock
from config.problem import CORRELATION_HEADER, PROBLEM_JSON, Problem, ProblemType
from gateway.decision import enforcement
from gateway.exchange import Answer, OwnPage, RequestHead, Verdict
from gateway.header import Header
from gateway.inbound.manner import is_navigation
from gateway.limits.rate import Rate, wait_for

TOO_MANY_REQUESTS = ProblemType(
    "MJ-GATEWAY-150", HTTPStatus.TOO_MANY_REQUESTS, "More requests came than are taken at once",
    "Wait as many seconds as `Retry-After` says, then go on more slowly.",
)  # fmt: skip
OVERLOADED = ProblemType(
    "MJ-GATEWAY-152", HTTPStatus.SERVICE_UNAVAILABLE, "There is more to do at the moment than can be done",
    "Wait as many seconds as `Retry-After` says, then send the request again.",
)  # fmt: skip

_CORRELATION = CORRELATION_HEADER.lower().encode("ascii")
_SPREAD = 3
"""Seconds over which those that were shed are spread as they come again."""
_RETRY_LATER = tuple(
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: %b\r\ncache-control: no-store\r\nretry-after: %d\r\n"
    % (PROBLEM_JSON.encode(), seconds)
    for seconds in range(1, 1 + _SPREAD)
)
_HEADERS: tuple[Header, ...] = ((b"content-type", PROBLEM_JSON.encode()), (b"cache-control", b"no-store"))
# made once: in a flood it is these that must cost next to nothing; ids of requests need no escapes in JSON
_BODIES = {kind.code: msgspec.json.encode(Problem(kind).document("%b")) for kind in (TOO_MANY_REQUESTS, OVERLOADED)}
PAGES_A_SECOND = 20


class Refusals:
    """Makes the answers of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pages_until = 0.0
        self._turn = 0

    def exceeded(self, head: RequestHead, rate: Rate, wait: float) -> Verdict:
        """A rate is used up; in `wait` seconds there is room for one more (RFC 6585, section 4). `RateLimit-Policy` and
        `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-10."""
        seconds = max(1, math.ceil(wait))
        return self._refuse(
            TOO_MANY_REQUESTS,
            head,
            (
                (b"retry-after", b"%d" % seconds),
                (b"ratelimit-policy", f'"{rate.per}";q={rate.requests};w={rate.seconds}'.encode()),
                (b"ratelimit", f'"{rate.per}";r=0;t={seconds}'.encode()),
            ),
        )

    def overloaded(self, head: RequestHead) -> Verdict:
        """Shed. They come again one after the other rather than all at once."""
        self._turn = (self._turn + 1) % _SPREAD
        return self._refuse(OVERLOADED, head, ((b"retry-after", b"%d" % (1 + self._turn)),))

    def unread(self, correlation_id: str) -> bytes:
        """The answer to a request that nobody read, as it is sent."""
        self._turn = (self._turn + 1) % _SPREAD
        name = correlation_id.encode("ascii")
        body = _BODIES[OVERLOADED.code] % name
        return b"%bcontent-length: %d\r\n%b: %b\r\n\r\n%b" % (
            _RETRY_LATER[self._turn],
            len(body),
            _CORRELATION,
            name,
            body,
        )

    def _refuse(self, kind: ProblemType, head: RequestHead, headers: tuple[Header, ...]) -> Verdict:
        if is_navigation(head) and self._page_is_due():
            refusal = enforcement.Refusal(kind, (), headers)
            return OwnPage({"correlation_id": head.correlation_id, "refusal": refusal})
        return Answer(kind.status.value, (*_HEADERS, *headers), _BODIES[kind.code] % head.correlation_id.encode())

    def _page_is_due(self) -> bool:
        now, pace = self._clock.monotonic(), 1 / PAGES_A_SECOND
        if wait_for(self._pages_until, now, pace, PAGES_A_SECOND):
            return False
        self._pages_until = max(self._pages_until, now) + pace
        return True
