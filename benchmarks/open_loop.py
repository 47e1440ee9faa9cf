"""A load that does not wait: requests at even distances whatever became of those before, timed from when each was due.

`python -m benchmarks.open_loop PORT RATE SECONDS CONNECTIONS`, the head of the request on standard input; tells on
standard output, as JSON, how many were answered by each status, and how long those took that were answered 200. A
process of its own, so that it can be pinned to a core. wrk waits for an answer before it asks again, and so spares
whoever is late.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, deque
from time import monotonic
from typing import cast

import msgspec
import uvloop

_EVERY = 0.001
"""Seconds between two looks at what is due."""
_SETTLES = 1.0
"""Seconds at the beginning that are not timed: whoever adapts needs some of them."""
_LENGTH = b"content-length: "


class Answered(msgspec.Struct):
    """What became of the requests."""

    statuses: dict[str, int]
    """By status; `none`: no answer within the time, nor within two seconds after it."""
    p50: float
    """Milliseconds, of those answered 200 that were not due in the first second; 0 where there were none."""
    p99: float
    held_back: int
    """Requests that found no connection free when they were due, and waited for one; that counts as their time."""
    late: float
    """Milliseconds by which the load itself was late at most."""


class _Connection(asyncio.Protocol):
    def __init__(self, load: _Load) -> None:
        self._load = load
        self._data = b""
        self.due = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        data = self._data + data if self._data else data
        end = data.find(b"\r\n\r\n") + 4
        at = data.lower().find(_LENGTH, 0, end) if end > 3 else -1
        if at < 0 or len(data) < end + int(data[at + len(_LENGTH) : data.index(b"\r", at)]):
            self._data = data
            return
        self._data = b""
        self._load.answered(self, data[9:12])

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(self)


class _Load:
    def __init__(self, request: bytes, rate: float, seconds: float) -> None:
        self._request = request
        self._interval = 1 / rate
        self._seconds = seconds
        self._free: list[_Connection] = []
        self._waiting: deque[float] = deque()
        """Moments at which requests were due that have no connection yet."""
        self._took: list[float] = []
        self._statuses: Counter[str] = Counter()
        self._asked = self._held_back = 0
        self._late = self._counts_from = 0.0

    async def run(self, port: int, connections: int) -> Answered:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, one = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
            self._free.append(one)
        begun = due = last = monotonic()
        self._counts_from = begun + _SETTLES
        while (now := monotonic()) < begun + self._seconds:
            self._late, last = max(self._late, now - last - _EVERY), now
            while due <= now:
                self._asked += 1
                if self._free:
                    self._ask(self._free.pop(), due)
                else:
                    self._held_back += 1
                    self._waiting.append(due)
                due += self._interval
            await asyncio.sleep(_EVERY)
        for _ in range(200):
            if self._statuses.total() == self._asked:
                break
            await asyncio.sleep(0.01)
        missing = self._asked - self._statuses.total()
        statuses = {**self._statuses, **({"none": missing} if missing else {})}
        took = sorted(self._took) or [0.0]
        p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
        return Answered(statuses, p50, p99, self._held_back, self._late * 1000)

    def _ask(self, one: _Connection, due: float) -> None:
        one.due = due
        one.transport.write(self._request)

    def answered(self, one: _Connection, status: bytes) -> None:
        self._statuses[status.decode()] += 1
        if status == b"200" and one.due >= self._counts_from:
            self._took.append((monotonic() - one.due) * 1000)
        if self._waiting:
            self._ask(one, self._waiting.popleft())
        else:
            self._free.append(one)

    def lost(self, one: _Connection) -> None:
        if one in self._free:
            self._free.remove(one)


if __name__ == "__main__":
    _port, _connections = int(sys.argv[1]), int(sys.argv[4])
    _load = _Load(sys.stdin.buffer.read(), float(sys.argv[2]), float(sys.argv[3]))
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_load.run(_port, _connections))))
