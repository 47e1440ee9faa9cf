"""The rules by which a sign-in is named, as SQL: `idp.rollout.methods`, of an expression that is an array of words."""

from __future__ import annotations

from collections.abc import Sequence

from idp.rollout.methods import FAILED_RULES, METHOD_RULES, Rule


def method_of(amr: str) -> str:
    """`idp.rollout.methods.method_of`."""
    return _case(METHOD_RULES, amr)


def why_not(outcome: str, amr: str) -> str:
    """`idp.rollout.methods.why_not`."""
    return (
        f"CASE {outcome} WHEN 'failed' THEN {_case(FAILED_RULES, amr)} WHEN 'refused' THEN 'not_let_in' "
        f"WHEN 'kept' THEN 'kept_other_session' WHEN 'abandoned' THEN "
        f"CASE WHEN {amr} = ARRAY['pwd']::text[] THEN 'left_at_second_factor' ELSE 'left' END END"
    )


def _case(rules: Sequence[Rule], amr: str) -> str:
    branches = " ".join(f"WHEN {_condition(rule, amr)} THEN '{rule.name}'" for rule in rules)
    return f"CASE {branches} ELSE 'other' END"


def _condition(rule: Rule, amr: str) -> str:
    parts = [f"{amr} @> {_words(rule.every)}"] if rule.every else []
    parts += [f"{amr} && {_words(rule.some)}"] if rule.some else []
    return " AND ".join(parts)


def _words(words: Sequence[str]) -> str:
    quoted = ", ".join(f"'{word}'" for word in words)
    return f"ARRAY[{quoted}]::text[]"
