"""A gateway's data path in a process of its own, so that its memory can be looked at from outside."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

from config.entropy import SystemEntropy
from gateway.exchange import Forward
from gateway.listening.certificates import Certificates
from gateway.listening.tls import TlsFiles
from gateway.proxy.door import Door
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.server import serve
from gateway.proxy.watch import Watch
from gateway.routes.upstream import Upstream


def ready() -> None:
    """Tell whoever started this process."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()


async def run(folder: Path, listen: str, *, tls: bool) -> None:
    """Forward everything to the socket in `folder`, until standard input ends."""
    limits, watch, stop = Limits(), Watch(), asyncio.Event()
    pools = Pools([Upstream("origin", f"unix:{folder / 'origin.sock'}")], limits=limits, watch=watch)
    forward = Forward("origin", body=1 << 40)
    door = Door(lambda head: forward, None, pools, SystemEntropy(), watch, limits)

    certificates = Certificates(TlsFiles(folder / "server.pem", folder / "server.key")) if tls else None
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    await serve(door, listen, ready, stop, certificates=certificates)


if __name__ == "__main__":
    uvloop.run(run(Path(sys.argv[1]), sys.argv[2], tls=sys.argv[3] == "tls"))
