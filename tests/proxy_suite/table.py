"""Makes `docs/reference/proxy-suite.md`: runs the suite against ours, nginx and HAProxy, and writes what came of it.

By `python -m tests.proxy_suite.table`. What came of each is kept in `results.json`; of those that are run beside ours,
that of the last time.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from config.settings import Settings
from tests.engines import engines_for_tests
from tests.proxy_suite.controls.haproxy import haproxy, haproxy_version
from tests.proxy_suite.controls.nginx import nginx, nginx_version
from tests.proxy_suite.origin import Origin
from tests.proxy_suite.ours import OURS, ours
from tests.proxy_suite.run import ROWS, Result, run
from tests.proxy_suite.trial import Outcome, Row

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "proxy-suite.md"
KEPT: Final = Path(__file__).parent / "results.json"
_HEAD: Final = """# What a reverse proxy must get right: ours, nginx and HAProxy

Made by `python -m tests.proxy_suite.table`. Each row is a topic in which gateways of others really had faults; each
case sends raw bytes to a gateway before an origin that records what arrives. It runs
[against any gateway](../how-to/try-a-gateway.md), and in `make test` against all three; the column of ours is held
fresh by `tests/proxy_suite/test_ours.py`. nginx and HAProxy are the controls, Debian's, configured as a careful
operator has them before one service (`tests/proxy_suite/controls/nginx.py`, `tests/proxy_suite/controls/haproxy.py`).
A case that they fail is no hole in itself: it takes a second reader who is sloppy in just that way. It is one that this
gateway leaves to nobody. Their columns are of the last run.

- **passed**: refused, or done as the row demands.
- **made plain**: not refused, but it arrived in a form that has one reading, and nothing came of it. RFC 9112 allows
  much of that.
- **failed**: it reached the origin or the client in a form that two readers may take in two ways, or the demand of
  the row is not met.
- **not offered**: the gateway does not claim to do it (decisions, tokens).

"""


class Column(msgspec.Struct, omit_defaults=True):
    """What came of one gateway: how many cases there were, and those that did not pass."""

    version: str = ""
    cases: int = 0
    others: dict[str, dict[str, Outcome]] = {}

    @classmethod
    def of(cls, results: list[Result], version: str = "") -> Column:
        others: dict[str, dict[str, Outcome]] = {}
        for result in results:
            if result.outcome is not Outcome.PASSED:
                others.setdefault(result.row, {})[result.case] = result.outcome
        return cls(version, len(results), others)

    def outcome(self, row: str, case: str) -> Outcome:
        return self.others.get(row, {}).get(case, Outcome.PASSED)

    def told(self, row: Row) -> str:
        """A row in a few words."""
        outcomes = [self.outcome(row.name, case.name) for case in row.cases]
        count = {outcome: outcomes.count(outcome) for outcome in Outcome}
        if count[Outcome.NOT_OFFERED] == len(outcomes):
            return "not offered"
        said = f"{count[Outcome.PASSED]} of {len(outcomes) - count[Outcome.NOT_OFFERED]}"
        more = [
            f"{count[outcome]} {outcome.value}"
            for outcome in (Outcome.MENDED, Outcome.FAILED, Outcome.NOT_OFFERED)
            if count[outcome]
        ]
        return said + (f" ({', '.join(more)})" if more else "")


Columns = dict[str, Column]


def kept() -> Columns:
    """What was written the last time."""
    return msgspec.json.decode(KEPT.read_bytes(), type=Columns)


def page(columns: Columns) -> str:
    """The page as it should be."""
    names = [f"{name} {column.version}".strip() for name, column in columns.items()]
    heading = " | ".join(names)
    lines = [f"| row | what it demands | faults of peers | {heading} |", f"|---|---|---|{'---|' * len(names)}"]
    for row in ROWS:
        told = " | ".join(column.told(row) for column in columns.values())
        lines.append(f"| [{row.name}](#{_anchor(row.name)}) | {row.demand} | {', '.join(row.faults)} | {told} |")
    total = [
        sum(column.outcome(row.name, case.name) is Outcome.PASSED for row in ROWS for case in row.cases)
        for column in columns.values()
    ]
    cases = sum(len(row.cases) for row in ROWS)
    lines.append(f"| all | {cases} cases | | {' | '.join(f'{passed} passed' for passed in total)} |")
    return _HEAD + "\n".join(lines) + "\n" + "".join(_details(row, columns, heading) for row in ROWS)


def _details(row: Row, columns: Columns, heading: str) -> str:
    lines = [f"\n## {row.name}\n", f"{len(row.cases)} cases."]
    shown = []
    for case in row.cases:
        outcomes = [column.outcome(row.name, case.name).value for column in columns.values()]
        if set(outcomes) != {Outcome.PASSED.value}:
            shown.append(f"| {case.name} | {' | '.join(outcomes)} |")
    if shown:
        lines[-1] += " All three pass the others.\n" if len(shown) < len(row.cases) else "\n"
        lines += [f"| case | {heading} |", f"|---|{'---|' * len(columns)}", *shown]
    else:
        lines[-1] += " All three pass them."
    return "\n".join(lines) + "\n"


def _anchor(name: str) -> str:
    return "".join(letter for letter in name.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def write(columns: Columns) -> None:
    """Keep what came of it, and make the page anew."""
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(columns), indent=1) + b"\n")
    PAGE.write_text(page(columns), encoding="utf-8")


async def tried(start: type | object) -> list[Result]:
    """The whole suite against a control."""
    async with Origin("127.0.0.1", 0) as origin, start(origin) as target:  # type: ignore[operator] # one of the controls
        return await run(target, origin)


async def _columns(settings: Settings) -> Columns:
    async with Origin("127.0.0.1", 0) as origin, ours(settings, origin) as (target, hurry):
        own = Column.of(await run(target, origin, hurry=hurry))
    return {
        OURS: own,
        "nginx": Column.of(await tried(nginx), await nginx_version()),
        "HAProxy": Column.of(await tried(haproxy), await haproxy_version()),
    }


if __name__ == "__main__":
    with engines_for_tests() as engines, engines.private() as private:
        write(asyncio.run(_columns(private)))
