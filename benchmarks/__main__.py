"""`python -m benchmarks [GROUP …]`: run the groups, print one table, write `benchmarks/results.json`.

What a group that is not run now measured before stays in the file.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.result import Result, tell

GROUPS = (
    "gateway",
    "growth",
    "overload",
    "decision",
    "sessions",
    "revocation",
    "login",
    "imports",
    "oidc",
    "reservation",
    "waiting",
    "search",
    "checkout",
    "risk",
)
RESULTS = Path(__file__).with_name("results.json")


def main(asked: list[str]) -> None:
    """Run the groups that are asked for, or all."""
    if unknown := set(asked) - set(GROUPS):
        raise SystemExit(f"there is no {', '.join(sorted(unknown))}; the groups are {', '.join(GROUPS)}")
    results: list[Result] = []
    failed: list[str] = []
    for group in asked or GROUPS:
        tell(f"{group} …")
        try:
            results += import_module(f"benchmarks.{group}").run()
        except Exception as error:  # a peer that is not installed must not cost what the other groups measured
            failed.append(group)
            tell(f"  {type(error).__name__}: {error}")
    _show(results)
    _write(results)
    if failed:
        raise SystemExit(f"not measured: {', '.join(failed)}")


def _show(results: list[Result]) -> None:
    table = Table("measurement", "value", "unit", "peer", "peer's value", "ratio", title="Munjigi, side by side")
    for column in (1, 4, 5):
        table.columns[column].justify = "right"
    for row in results:
        table.add_row(row.id, f"{row.value:,.2f}", row.unit, row.peer, f"{row.peer_value:,.2f}", f"{row.ratio:.4g}")
    console = Console()
    # piped into a file the table would be cut to 80 columns
    Console(width=max(console.width, 140)).print(table) if not console.is_terminal else console.print(table)


def _write(results: list[Result]) -> None:
    measured = {row.id.partition(".")[0] for row in results}
    before = msgspec.json.decode(RESULTS.read_bytes(), type=list[Result]) if RESULTS.exists() else []
    kept = [row for row in before if row.id.partition(".")[0] not in measured]
    ordered = sorted(kept + results, key=lambda row: GROUPS.index(row.id.partition(".")[0]))
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=2) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
