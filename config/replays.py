"""What may be used once only, remembered in Valkey for as long as it would otherwise be good.

What Valkey lost may have been used: so the memory begins anew with a moment, and refuses whatever was made before it
(S7). Where Valkey does not answer nothing is taken: its error goes to the caller.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from typing import Any, Final

from redis.exceptions import RedisError

from config import key_space
from config.connections import Valkey

AHEAD: Final = 10.0
"""Seconds by which the moment that something names as its own may lie in the future; whoever checks it lets no more."""
SPREAD: Final = 30.0
"""Seconds by which the clocks of two nodes may differ: so much longer is everything remembered, and so much more of
what may have been lost is refused."""

# KEYS: the moment from which on everything is remembered, the thing. ARGV: when the thing was made, the moment from
# which on things count if the memory begins now, milliseconds to remember it.
_FIRST = """
local since = redis.call('GET', KEYS[1])
if not since then
  since = ARGV[2]
  redis.call('SET', KEYS[1], since)
end
if tonumber(ARGV[1]) < tonumber(since) then return since end
if redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[3]) then return 1 end
return 0
"""


class NotRemembered(Exception):
    """The thing is older than the memory: nobody can say whether it was used before."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"the memory begins {wait:.0f} seconds later")
        self.wait = wait
        """Seconds after which one that is made anew can be told."""


class Replays:
    """One memory, which all nodes share."""

    def __init__(self, valkey: Valkey, scope: str) -> None:
        """`scope`: whose memory it is; the things of different scopes know nothing of each other."""
        self._valkey = valkey
        self._scope = scope
        self._script: Any = valkey.register_script(_FIRST)

    async def begin(self, now: float) -> None:
        """Begin the memory where there is none: whoever starts does, so that the first one who comes need not wait.

        Where Valkey does not answer, the first use begins it.
        """
        with contextlib.suppress(RedisError, OSError):
            await self._valkey.set(key_space.replays_since(self._scope), _beginning(now), nx=True)

    async def is_first(self, thing: str, *, made_at: float, good_until: float, now: float) -> bool:
        """Whether a thing that was made at `made_at` is used for the first time; from now on it is not.

        All times are epoch seconds. Raises `NotRemembered`, and what the driver does where Valkey does not answer.
        """
        keep = max(1, math.ceil((good_until - now + SPREAD) * 1000))
        digest = hashlib.sha256(thing.encode()).hexdigest()
        keys = [key_space.replays_since(self._scope), key_space.replay(self._scope, digest)]
        said = await self._script(keys=keys, args=[repr(made_at), _beginning(now), keep])
        if isinstance(said, str):
            raise NotRemembered(float(said) - made_at)
        return bool(said)


def _beginning(now: float) -> str:
    """What nothing is as new as that any node has taken until `now`."""
    return str(math.floor(now + AHEAD + SPREAD) + 1)
