"""Casbin: the model, and its stock enforcer as the reference that the compiled snapshot must agree with (P4).

The only import of casbin in the product. The enforcer costs about 80 us a rule, so no request is decided by it; the
differential test holds `policy.snapshot` against it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
        assigned = [
            [node, given.role, given.organisation]
            for given in self._policy.assignments
            for node in _nodes(given.subject)
        ]
        model["g"]["g"].policy = inherited + assigned


def _nodes(subject: str) -> tuple[str, ...]:
    """What stands for a subject in the graph that people, programs, groups and roles share: one that no role is called
    like, and for groups and programs, which are inherited from as roles are, their names too.
    """
    if subject.startswith(GROUP):
        return (subject,)
    return (_somebody(subject), subject) if subject.startswith(CLIENT_ROLE) else (_somebody(subject),)


def _somebody(name: str) -> str:
    return f"somebody/{name}"


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
                held.add(_somebody(name))
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


class _TextAdapter(casbin.persist.Adapter):  # type: ignore[misc] # casbin ships no types
    """Hands over a policy file as Casbin's file adapter does; its string adapter refuses an empty one."""

    def __init__(self, text: str) -> None:
        self._text = text

    def load_policy(self, model: Any) -> None:
        """Fill an empty model."""
        for line in self._text.splitlines():
            casbin.persist.load_policy_line(line.strip(), model)


def stock(
    model_text: str,
    policy_text: str,
    *,
    name_patterns: Mapping[str, str] | None = None,
    domain_patterns: Collection[str] = (),
    timed: bool = False,
) -> Any:
    """The stock enforcer over files of Casbin's own form, read by its own readers.

    `name_patterns`: by role definition Casbin's function for its names; `domain_patterns`: those for whose domains
    `keyMatch2` is set; `timed`: whose links hold from one moment to another.
    """
    functions = casbin.util
    matching = {
        "keyMatch2": functions.key_match2,
        "keyMatch3": functions.key_match3,
        "globMatch": functions.glob_match,
    }
    with conditions.PARSING:
        model = casbin.Model()
        model.load_model_from_text(model_text)
        enforcer = casbin.Enforcer(model, _TextAdapter(policy_text))
        for graph, name in (name_patterns or {}).items():
            enforcer.add_named_matching_func(graph, matching[name])
        for graph in domain_patterns:
            enforcer.add_named_domain_matching_func(graph, functions.key_match2)
        if timed:
            for link in enforcer.get_named_grouping_policy("g"):
                if len(link) == 5:
                    enforcer.add_named_domain_link_condition_func("g", *link[:3], functions.time_match_func)
                else:
                    enforcer.add_named_link_condition_func("g", *link[:2], functions.time_match_func)
    return enforcer
