"""What PostgreSQL took of the processors: other work on the machine hardly changes that, unlike time."""

from __future__ import annotations

import os
from pathlib import Path


def of_postgresql(var: Path) -> float:
    """Seconds of a processor that the embedded PostgreSQL of a folder took so far, with its processes that ended."""
    postmaster = int((var / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    ticks = sum(_stat(postmaster)[13:15])
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = _stat(int(entry.name))
            except OSError:  # it ended in this moment
                continue
            ticks += sum(stat[11:13]) if stat[1] == postmaster else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(process: int) -> list[int]:
    """What /proc/…/stat says behind the name of a program, its state as 0."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return [0, *(int(field) for field in fields[1:20])]
