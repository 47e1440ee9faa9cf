"""What tests ask the machine itself: locks, ports, processes."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path


def wait_for_lock(path: Path, timeout: float = 10.0) -> None:
    """Wait until the last process that holds the lock has ended."""
    deadline = time.monotonic() + timeout
    with path.open("rb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                assert time.monotonic() < deadline, f"{path} is still held"
                time.sleep(0.02)
            else:
                return


def listening_ports(process: int) -> list[int]:
    """The TCP ports that a process listens on, from /proc."""
    inodes = set()
    for entry in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                ports.append(int(fields[1].rpartition(":")[2], 16))
    return ports


def processes_below(folder: Path) -> list[int]:
    """The processes that work in a folder or have a file in it open, from /proc."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                links = [process / "cwd", *(process / "fd").iterdir()]
                if any(str(link.readlink()).startswith(str(folder)) for link in links):
                    found.append(int(process.name))
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
    return found


def processor_time(process: int) -> float:
    """Seconds of processor time that a process has used, its ended children included (proc(5), `stat`)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
