"""Tests that travel with a policy: made-up requests and the answers that they get, or it is not published (P5)."""

from __future__ import annotations

import msgspec

from policy.artefact import Policy, PolicyTest
from policy.decide import decide
from policy.decision import Decision, Effect
from policy.reasons import Reason
from policy.snapshot import Snapshot


class TestResult(msgspec.Struct, frozen=True):
    """What came of one test."""

    __test__ = False  # to pytest it looks like a class of tests

    name: str
    passed: bool
    expected: Effect
    got: Effect
    winner: str
    """The id of the rule that decided; empty: none did."""
    reasons: tuple[Reason, ...]
    obligations: tuple[str, ...]
    differs: tuple[str, ...]
    """Of `effect`, `winner`, `reasons`, `obligations` those that are not as expected."""


class TestReport(msgspec.Struct, frozen=True):
    """What came of all of them, in the order of their names."""

    __test__ = False

    passed: int
    failed: int
    results: tuple[TestResult, ...]

    @property
    def failing(self) -> tuple[TestResult, ...]:
        return tuple(result for result in self.results if not result.passed)


def run(policy: Policy, snapshot: Snapshot) -> TestReport:
    """Ask a compiled policy all that its tests ask. Never raises: what goes wrong is denied, as it would be live."""
    results = tuple(_result(test, decide(test.request, snapshot)) for test in policy.tests)
    failed = sum(not result.passed for result in results)
    return TestReport(len(results) - failed, failed, results)


def _result(test: PolicyTest, decision: Decision) -> TestResult:
    held = {
        "effect": decision.effect is test.effect,
        "winner": test.winner is None or decision.winner == test.winner,
        "reasons": test.reasons is None or set(decision.reasons) == set(test.reasons),
        "obligations": test.obligations is None or set(decision.obligations) == set(test.obligations),
    }
    differs = tuple(name for name, as_expected in held.items() if not as_expected)
    return TestResult(
        test.name,
        not differs,
        test.effect,
        decision.effect,
        decision.winner,
        decision.reasons,
        decision.obligations,
        differs,
    )
