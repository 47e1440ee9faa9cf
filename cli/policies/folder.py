"""A policy in a folder: read, written, linted, tested and compared without asking anybody."""

from __future__ import annotations

from pathlib import Path

from policy import files
from policy.artefact import Policy
from policy.casbin_lines import Lines
from policy.checks import findings
from policy.difference import Difference, difference
from policy.lint import Finding
from policy.policy_tests import TestReport, run
from policy.snapshot import compile_policy

_NAMES = (files.RULES, files.REST)


def read(folder: Path) -> tuple[Policy, Lines]:
    """Raises `WrongFiles`, `FileNotFoundError`."""
    if not (folder / files.RULES).is_file():
        raise FileNotFoundError(f"{folder} has no {files.RULES}: it is no policy")
    found = {name: (folder / name).read_text(encoding="utf-8") for name in _NAMES if (folder / name).is_file()}
    return files.read(found)


def write(folder: Path, content: dict[str, str]) -> list[Path]:
    """Write the files of a policy; what else is in the folder is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in _NAMES:
        if name in content:
            (folder / name).write_text(content[name], encoding="utf-8")
            written.append(folder / name)
    return written


def lint(policy: Policy) -> tuple[Finding, ...]:
    """All that can be said of a policy without knowing the published one."""
    return findings(policy, None)


def test(policy: Policy) -> TestReport:
    """Run the tests that travel with it."""
    return run(policy, compile_policy(policy, 1))


def compare(before: Policy | None, after: Policy) -> Difference:
    """What is other."""
    return difference(before, after, version=0, against=None)
