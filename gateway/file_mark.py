"""Whether a file is the one that was read before, as far as its entry says."""

from __future__ import annotations

from pathlib import Path

Mark = tuple[int, int, int]


def mark_of(path: Path) -> Mark:
    """Changes with the file; of what a link leads to, since renewed files are often another target. All zero: it cannot
    be looked at."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
