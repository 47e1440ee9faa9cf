"""All that is looked at before a policy is stored, and again before it is published: in one place, in one order."""

from __future__ import annotations

from collections.abc import Collection

from policy import guard, policy_tests
from policy.artefact import Policy
from policy.lint import Fault, Finding, errors, weaknesses
from policy.snapshot import Snapshot, compile_policy


def findings(policy: Policy, former: Policy | None, *, confirmed: Collection[str] = ()) -> tuple[Finding, ...]:
    """What lint finds; where that refuses nothing, also which tests fail, and what the published policy would lose.

    `former`: what is published; `confirmed`: zones and programs whose loss is meant.
    """
    if found := errors(policy):
        return found
    snapshot = compile_policy(policy, 1)
    found = weaknesses(policy, snapshot)
    if any(finding.refuses for finding in found):
        return found
    lost = guard.losses(former, policy, snapshot, named=confirmed) if former is not None else ()
    return (*_failing(policy, snapshot), *lost, *found)


def _failing(policy: Policy, snapshot: Snapshot) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            Fault.TEST_FAILED,
            f"the test {result.name!r} fails: {result.got} by {result.winner or 'no rule'}, "
            f"where {result.expected} was expected; not as expected: {', '.join(result.differs)}",
            refuses=False,
        )
        for result in policy_tests.run(policy, snapshot).failing
    )
