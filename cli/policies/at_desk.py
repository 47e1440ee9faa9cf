"""What `munjigi policy` does to a folder, asking nobody."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer

from cli.policies import folder as folders
from cli.policies.exits import NotFit
from policy import files
from policy.casbin_lines import Lines
from policy.lint import Finding
from policy.policy_tests import TestReport


def lint(folder: Path, *, strict: bool, as_json: bool) -> None:
    """Print what is found. Raises `NotFit` where that is an error, or in `strict` anything."""
    policy, lines = folders.read(folder)
    found = folders.lint(policy)
    if as_json:
        typer.echo(msgspec.json.encode({"findings": [_entry(finding, lines) for finding in found]}))
    else:
        for finding in found:
            where = f"{files.RULES}:{line}" if (line := lines.where.get(finding.rule)) else str(folder)
            typer.echo(f"{where}: {finding.severity}: {finding.message} [{finding.fault}]")
        typer.echo(f"{len(policy.rules)} rules, {len(found)} findings")
    if any(strict or finding.severity == "error" for finding in found):
        raise NotFit


def test(folder: Path, *, as_json: bool) -> None:
    """Run the tests and print what fails. Raises `NotFit` where anything does."""
    policy, _ = folders.read(folder)
    tell_tests(folders.test(policy), as_json=as_json)


def tell_tests(report: TestReport, *, as_json: bool) -> None:
    """Print what came of tests. Raises `NotFit` where any failed."""
    if as_json:
        typer.echo(msgspec.json.encode(report))
    else:
        for result in report.failing:
            typer.echo(
                f"FAILED  {result.name}: {result.got} by {result.winner or 'no rule'}, expected {result.expected} "
                f"({', '.join(result.differs)} differ)"
            )
        typer.echo(f"{report.passed} passed, {report.failed} failed")
    if report.failed:
        raise NotFit


def _entry(finding: Finding, lines: Lines) -> dict[str, object]:
    return {**msgspec.to_builtins(finding), "line": lines.where.get(finding.rule)}
