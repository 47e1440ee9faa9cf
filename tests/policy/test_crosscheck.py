from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from policy import crosscheck
from policy.artefact import Assignment, Policy, Resource, RuleEffect
from policy.crosscheck import disagreements
from policy.demo import shipped_policy
from policy.snapshot import compile_policy
from tests.policy.samples import policy, rule


def test_the_shipped_policy_means_the_same_to_both() -> None:
    shipped = shipped_policy()
    assert disagreements(shipped, compile_policy(shipped, 1)) == ()


@dataclass
class Changed:
    """What a compiler that is wrong might have made of `MEANT`."""

    compiled: Policy
    named: tuple[str, ...]


MEANT = policy(
    rule("a", "/a/:id"),
    rule("b", "/b/**", condition="assurance >= 2"),
    rule("c", "/c", methods=("POST",)),
    rule("d", "@orders"),
    assignments=(Assignment("u-1", "group:staff", "org-1"), Assignment("group:staff", "customer")),
    resources=(Resource("orders", "shop", ("/orders",)),),
)


@pytest.mark.parametrize(
    "changed",
    [
        Changed(replace(MEANT, rules=(rule("a", "/a/:id", effect=RuleEffect.DENY), *MEANT.rules[1:])), ("a",)),
        Changed(replace(MEANT, rules=(MEANT.rules[0], rule("b", "/b/**"), *MEANT.rules[2:])), ("b",)),
        Changed(replace(MEANT, rules=(*MEANT.rules[:2], MEANT.rules[3])), ("c",)),
        Changed(replace(MEANT, rules=(rule("z", "/**", priority=1), *MEANT.rules)), ("a", "b", "c", "d")),
        Changed(replace(MEANT, assignments=()), ("a",)),
        Changed(replace(MEANT, resources=(Resource("orders", "shop", ("/other",)),)), ("d",)),
        Changed(MEANT, ()),
    ],
)
def test_a_snapshot_that_means_something_else_is_found(changed: Changed) -> None:
    assert disagreements(MEANT, compile_policy(changed.compiled, 1)) == changed.named


def test_a_large_policy_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crosscheck, "LOOKS", 400)
    large = policy(*(rule(f"r{number:03}", f"/:any/{number}") for number in range(50)))
    assert crosscheck._Narrowed(large).widest == 50
    assert len(crosscheck._sample(large.rules, 50)) == 2
    assert len(crosscheck._sample(large.rules, 1)) == 50
    assert disagreements(large, compile_policy(large, 1)) == ()


def test_it_agrees_in_several_threads_at_once() -> None:
    """CPython before 3.11.8 raised `SystemError` where two threads parsed at the same moment (gh-106905)."""
    shipped = shipped_policy()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: disagreements(shipped, compile_policy(shipped, number)), range(1, 25)))
    assert found == [()] * 24
