"""`python -m tests.proxy_suite`: the suite against a gateway that runs already."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import msgspec

from tests.proxy_suite.origin import Origin
from tests.proxy_suite.run import ROWS, Result, counted, run
from tests.proxy_suite.target import Target, described
from tests.proxy_suite.trial import Outcome

_MARKS = {Outcome.PASSED: "ok", Outcome.MENDED: "~", Outcome.FAILED: "FAILED", Outcome.NOT_OFFERED: "-"}


def main() -> int:
    """0 where nothing failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.proxy_suite", description=__doc__)
    parser.add_argument("--target", required=True, help="the gateway: http://host:port")
    parser.add_argument("--origin", required=True, help="where the gateway expects its upstream: host:port")
    parser.add_argument("--describe", type=Path, help="a TOML file that says what the gateway claims")
    parser.add_argument("--host", help="the Host by which the origin is reached; else that of --target")
    parser.add_argument("--through", action="append", help="a header line that lets requests through; may stand twice")
    parser.add_argument("--only", default="", help="cases or rows whose name contains this")
    given = parser.parse_args()
    target = described(given.describe) if given.describe else Target()
    target = msgspec.structs.replace(
        target,
        url=given.target,
        host=given.host or target.host,
        through=target.through + (given.through or []),
    )
    host, _, port = given.origin.rpartition(":")
    results = asyncio.run(_run(target, host.strip("[]"), int(port), given.only))
    sys.stdout.write(_told(results))
    return any(result.outcome is Outcome.FAILED for result in results)


async def _run(target: Target, host: str, port: int, only: str) -> list[Result]:
    async with Origin(host, port) as origin:
        return await run(target, origin, only=only)


def _told(results: list[Result]) -> str:
    lines = []
    for row in ROWS:
        own = [result for result in results if result.row == row.name]
        if own:
            count = counted(results, row)
            lines.append(f"\n{row.name}: " + ", ".join(f"{number} {name}" for name, number in count.items() if number))
            lines += [f"  {_MARKS[one.outcome]:>6}  {one.case}" + (f": {one.why}" if one.why else "") for one in own]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
