"""Casbin: the model, and its stock enforcer as the reference that the compiled snapshot must agree with (P4).

The only import of casbin in the product. The enforcer costs about 80 us a rule, so no request is decided by it; the
differential test holds `policy.snapshot` against it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import casbin

import config
from policy import conditions, path_pattern
from policy.artefact import ANONYMOUS, ANY, RESOURCE, Policy, Rule, RuleEffect
from policy.casbin_lines import JOINT, values
from policy.context import Context
from policy.request import CLIENT_ROLE, GROUP, Subject, assignee

MODEL = Path(config.__file__).parent / "shipped" / "policy" / "model.conf"
_ALWAYS = "1 == 1"


class _PolicyAdapter(casbin.persist.Adapter):  # type: ignore[misc] # casbin ships no types
    """Hands a policy to Casbin as values, in the total order: never as text that would be split at commas."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def load_policy(self, model: Any) -> None:
        """Fill an empty model."""
        model["p"]["p"].policy = [_policy_row(rule) for rule in sorted(self._policy.rules, key=lambda rule: rule.order)]
        inherited = [[link.role, link.inherits, link.organisation] for link in self._policy.inheritance]
        assigned = [[_holder(given.subject), given.role, given.organisation] for given in self._policy.assignments]
        model["g"]["g"].policy = inherited + assigned


def _holder(subject: str) -> str:
    """A person under a name that no role has, in the graph that people, groups and roles share."""
    return subject if subject.startswith((GROUP, CLIENT_ROLE)) else f"person/{subject}"


def _policy_row(rule: Rule) -> list[str]:
    restricts = rule.effect is not RuleEffect.ALLOW
    condition = conditions.parse(rule.condition).casbin(restricts=restricts) if rule.condition else _ALWAYS
    return list(values(rule, condition))


class ReferenceEnforcer:
    """The stock enforcer over one policy."""

    def __init__(self, policy: Policy) -> None:
        self._enforcer = casbin.Enforcer(str(MODEL), _PolicyAdapter(policy))
        self._role_manager = self._enforcer.get_role_manager()
        self._enforcer.add_named_domain_matching_func("g", lambda asked, known: known in (ANY, asked))
        self._enforcer.add_function("holds", self._holds)
        self._resources = policy.resources
        self._enforcer.add_function("placeMatch", self._place)
        self._enforcer.add_function(
            "methodMatch", lambda method, methods: methods == ANY or method in methods.split(JOINT)
        )

    def enforce(self, subject: Subject, zone: str, method: str, path: str, context: Context) -> tuple[bool, str]:
        """Allowed or not, and the id of the rule that decided (empty: none). What raises is denied."""
        held = {ANONYMOUS}
        if subject.id:
            held |= subject.roles
            if name := assignee(subject):
                held.add(_holder(name))
        try:
            with conditions.PARSING:  # Casbin parses its matcher anew for every rule
                allowed, row = self._enforcer.enforce_ex(held, subject.organisation, zone, path, method, context)
        except Exception:
            return False, ""
        # a `reduce` is no answer to Casbin, yet it names the last one that it passed by
        decided = bool(row) and row[8] != RuleEffect.REDUCE.value
        return bool(allowed), row[1] if decided else ""

    def _place(self, zone: str, path: str, rule_zone: str, rule_path: str) -> bool:
        """Whether a rule speaks of a place: by its own path, or by one of the resource that it names."""
        if rule_zone not in (ANY, zone):
            return False
        if not rule_path.startswith(RESOURCE):
            return path_pattern.matches(path, rule_path)
        return any(
            path_pattern.matches(path, pattern)
            for resource in self._resources
            if RESOURCE + resource.name == rule_path and resource.zone in (ANY, zone)
            for pattern in resource.paths
        )

    def _holds(self, roles: frozenset[str], wanted: str, organisation: str) -> bool:
        if wanted == ANY:
            return True
        return any(self._role_manager.has_link(role, wanted, organisation) for role in roles)
