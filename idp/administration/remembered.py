"""Figures about very many people, remembered for a while: whoever looks again does not have them counted again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from config.clock import Clock

FOR_EACH = 100
"""So many times as long as they took to make figures are shown again: counting takes a hundredth of the time at most,
and what is counted at once is never old."""
LEAST = timedelta(milliseconds=100)
"""Whatever takes less is counted anew."""
LONGEST = timedelta(minutes=5)
MOST = 100
"""Figures that are remembered; the oldest are forgotten first."""


Made = TypeVar("Made")


@dataclass(slots=True)
class _Figures:
    until: datetime
    made: Any


@dataclass(slots=True)
class Remembered:
    """Remembers figures by what they are of, in this process; two who ask at once wait for the same ones."""

    clock: Clock
    _kept: dict[Hashable, _Figures] = field(default_factory=dict)
    _making: dict[Hashable, asyncio.Future[Any]] = field(default_factory=dict)

    async def figures(self, of: Hashable, make: Callable[[], Awaitable[Made]]) -> Made:
        """What was made lately, or is made now. `of` names everything that it depends on but the people themselves, the
        caller's rights among it."""
        kept = self._kept.get(of)
        if kept is not None and self.clock.now() < kept.until:
            found: Made = kept.made
            return found
        making = self._making.get(of)
        if making is None:
            making = self._making[of] = asyncio.ensure_future(self._make(of, make))
            making.add_done_callback(lambda _: self._making.pop(of, None))
        made: Made = await asyncio.shield(making)  # whoever asked first may go away
        return made

    async def _make(self, of: Hashable, make: Callable[[], Awaitable[Made]]) -> Made:
        begun = self.clock.now()
        made = await make()
        now = self.clock.now()
        self._kept.pop(of, None)
        if now - begun >= LEAST:
            self._kept[of] = _Figures(now + min(LONGEST, (now - begun) * FOR_EACH), made)
            while len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]
        return made
