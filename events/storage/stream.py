"""The rim of `events` to Valkey: appending under a fence, and the projection of sessions.

The stream and its head share a slot; each session's projection has its own, so it is a call of its own. The scripts go
as EVAL: Valkey keeps them by their digest anyway, and there is no moment at which one is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from config import key_space
from config.connections import Valkey
from events.projection import TOMBSTONE_SECONDS, SessionState

MAX_LENGTH = 100_000
"""Entries that the stream keeps, about; more than two hours of heartbeats."""

_CLAIM = """
-- KEYS head; ARGV epoch. Answers the epoch that the head held before; this one is in force if that is lower.
local stored = tonumber(redis.call('HGET', KEYS[1], 'e') or '0')
if stored < tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], 'e', ARGV[1], 's', 0)
end
return stored
"""

_APPEND = """
-- KEYS head, stream; ARGV epoch, last sequence, moment that a heartbeat among them vouches for or '', length to keep,
-- then kind and payload of each entry.
-- Answers the new last sequence, or -1 where the head is another relay's or not as this relay left it.
local head = redis.call('HMGET', KEYS[1], 'e', 's')
if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then
    return -1
end
local sequence = tonumber(ARGV[2])
for i = 5, #ARGV, 2 do
    sequence = sequence + 1
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*',
        'e', ARGV[1], 's', sequence, 'k', ARGV[i], 'p', ARGV[i + 1])
end
redis.call('HSET', KEYS[1], 's', sequence)
if ARGV[3] ~= '' then
    redis.call('HSET', KEYS[1], 't', ARGV[3])
end
return sequence
"""

_PROJECT = """
-- KEYS session; ARGV version, state, sub, idle, absolute, reason, tombstone seconds, revoked tokens.
-- Answers 1 where it changed.
local current = redis.call('HMGET', KEYS[1], 'v', 'state', 'revoked')
if current[2] == 'ended' then
    return 0
end
if ARGV[2] == 'live' and current[1] and tonumber(ARGV[1]) < tonumber(current[1]) then
    return 0
end
redis.call('HSET', KEYS[1],
    'v', ARGV[1], 'state', ARGV[2], 'sub', ARGV[3], 'idle', ARGV[4], 'abs', ARGV[5], 'reason', ARGV[6])
if ARGV[8] ~= '' then
    redis.call('HSET', KEYS[1], 'revoked', ARGV[8])
elseif current[3] then
    redis.call('HDEL', KEYS[1], 'revoked')
end
if ARGV[2] == 'ended' then
    redis.call('EXPIRE', KEYS[1], ARGV[7])
else
    redis.call('EXPIREAT', KEYS[1], math.ceil(tonumber(ARGV[5])) + tonumber(ARGV[7]))
end
return 1
"""


class HeadLost(Exception):
    """The head of the stream is not as this relay left it: another relay took over, or Valkey lost data."""


class EventStream:
    """What the relay may do to the stream."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def claim(self, epoch: int) -> int:
        """Put `epoch` in force, if it is higher than the one in force; answers that former one (0: none)."""
        return int(await self._valkey.eval(_CLAIM, 1, key_space.EVENT_HEAD, str(epoch)))

    async def vouched(self) -> float | None:
        """The moment that the last heartbeat vouched for: every end committed before was projected here. None: never.

        What Valkey loses, it loses from its end: whoever finds the heartbeat finds all that was written before it.
        """
        found = await self._valkey.hget(key_space.EVENT_HEAD, "t")
        return None if found is None else float(found)

    async def append(
        self, epoch: int, sequence: int, entries: Sequence[tuple[str, str]], vouched: float | None = None
    ) -> int:
        """Append (kind, payload) entries after `sequence`; answers the last one's. Raises `HeadLost`.

        `vouched`: what a heartbeat among them vouches for, kept for the relay that comes next.
        """
        moment = "" if vouched is None else repr(vouched)
        parts = (part for entry in entries for part in entry)
        arguments = [str(epoch), str(sequence), moment, str(MAX_LENGTH), *parts]
        last = int(await self._valkey.eval(_APPEND, 2, key_space.EVENT_HEAD, key_space.EVENT_STREAM, *arguments))
        if last < 0:
            raise HeadLost
        return last

    async def project(self, sessions: Sequence[SessionState]) -> None:
        """Bring the projections of these sessions up to what is told, by the rules of `events.projection`."""
        if not sessions:
            return
        pipeline = self._valkey.pipeline(transaction=False)
        for told in sessions:
            pipeline.eval(
                _PROJECT,
                1,
                key_space.session(told.sid),
                str(told.version),
                told.state,
                told.sub,
                repr(told.idle_expires_at),
                repr(told.absolute_expires_at),
                told.reason or "",
                str(TOMBSTONE_SECONDS),
                " ".join(told.revoked),
            )
        await pipeline.execute()

    async def projection(self, sid: str) -> SessionState | None:
        """What Valkey knows of a session."""
        found = await self._valkey.hgetall(key_space.session(sid))
        if not found:
            return None
        return msgspec.convert(
            {
                "sid": sid,
                "sub": found["sub"],
                "version": found["v"],
                "state": found["state"],
                "idle_expires_at": found["idle"],
                "absolute_expires_at": found["abs"],
                "reason": found["reason"] or None,
                "revoked": found.get("revoked", "").split(),
            },
            SessionState,
            strict=False,
        )
