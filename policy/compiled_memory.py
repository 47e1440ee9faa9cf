"""Memory for compiled policies, of which there may be much: neither taken nor given back at once, since that would hold
up whatever else the process does for tens of milliseconds."""

from __future__ import annotations

import asyncio
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

STEP = 1024 * 1024
"""Bytes that are given back at a time."""


def taken(size: int) -> mmap:
    """So many bytes, each page of which is there once it is written."""
    return mmap(-1, size, flags=MAP_PRIVATE | MAP_ANONYMOUS)


async def give_back(memory: bytes | bytearray | mmap) -> None:
    """Let go of memory that nobody reads any more; what somebody still reads goes when they let go of it."""
    if not isinstance(memory, mmap):
        return
    try:
        while len(memory) > STEP:
            memory.resize(len(memory) - STEP)
            await asyncio.sleep(0)
        memory.close()
    except (BufferError, SystemError):  # somebody reads it; or this system cannot resize
        return
