"""The same policies in four engines: ours, pycasbin's two enforcers, and cedarpy, each as it likes it best.

Rule `i` lets the role `role-i` GET `/data-i/things`: a plain path, since only those can be keyed in FastEnforcer; and
the comparison that fails soonest stands first in Casbin's matchers. With `conditions` (ABAC) each rule looks at the
device, the risk, the hour and the country besides.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import casbin
import cedarpy
import msgspec
from casbin.model import FastModel

from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.decide import decide
from policy.decision import Effect
from policy.request import AccessRequest, DeviceTrust, Subject, at_home
from policy.snapshot import compile_policy

AT = 1_767_581_400.0
"""Monday, 5 January 2026, 11:50 in Seoul."""
CONDITION = 'device >= registered and risk < 60 and hour >= 6 and country in ["KR", "JP"]'
_CASBIN_CONDITION = (
    'r.sub.device >= 2 && r.sub.risk < 60 && r.sub.hour >= 6 && (r.sub.country == "KR" || r.sub.country == "JP")'
)
_CEDAR_CONDITION = (
    ' when { context.device >= 2 && context.risk < 60 && context.hour >= 6 && ["KR", "JP"].contains(context.country) }'
)
_RBAC = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.obj == p.obj && r.act == p.act && g(r.sub, p.sub)
"""
_ABAC = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, cond
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.obj == p.obj && r.act == p.act && r.sub.role == p.sub && eval(p.cond)
"""

Question = tuple[int, int]
"""The number of the role of whoever asks, and of the path."""
Ask = Callable[[], bool]
Engine = Callable[[int, bool], Callable[[Question], Ask]]
"""Loads so many rules, with conditions or without; puts a question into its own form, to be asked again and again."""


def munjigi(size: int, conditions: bool) -> Callable[[Question], Ask]:
    """Ours: the whole decision, with risk, zone, reasons and lease."""
    rules = tuple(
        Rule(
            id=f"rule-{number}",
            priority=100,
            role=f"role-{number}",
            zone="shop",
            path=_path(number),
            methods=("GET",),
            effect=RuleEffect.ALLOW,
            condition=CONDITION if conditions else "",
        )
        for number in range(size)
    )
    roles = tuple(rule.role for rule in rules)
    snapshot = compile_policy(Policy(roles=roles, zones=(Zone("shop"),), rules=rules), 1)
    facts = at_home("d", "192.0.2.1", "office", DeviceTrust.REGISTERED)

    def ask(question: Question) -> Ask:
        role, path = question
        subject = Subject("u", "o", frozenset({f"role-{role}"}), 2, AT - 60)
        asked = AccessRequest(subject, facts, "shop", "GET", _path(path), AT)
        return lambda: decide(asked, snapshot).effect is Effect.ALLOW

    return ask


class _Rules(casbin.persist.Adapter):  # type: ignore[misc] # casbin ships no types
    """Hands the rules to Casbin at once: added one by one, each is looked for among all."""

    def __init__(self, size: int, conditions: bool) -> None:
        self._size = size
        self._more = [_CASBIN_CONDITION] if conditions else []

    def load_policy(self, model: Any) -> None:
        """Fill an empty model."""
        rules = model["p"]["p"].policy
        for number in range(self._size):
            rules.append([f"role-{number}", _path(number), "GET", *self._more])
        if not self._more:
            model["g"]["g"].policy = [[f"user-{number}", f"role-{number}"] for number in range(self._size)]


def enforcer(size: int, conditions: bool) -> Callable[[Question], Ask]:
    """pycasbin's stock enforcer."""
    model = _model(casbin.Model(), conditions)
    return _casbin(casbin.Enforcer(model, _Rules(size, conditions)), conditions)


def fast_enforcer(size: int, conditions: bool) -> Callable[[Question], Ask]:
    """pycasbin's FastEnforcer, keyed by path and method: it tries only rules of the very same ones."""
    order = [1, 2]
    model = _model(FastModel(order), conditions)
    return _casbin(casbin.FastEnforcer(model, _Rules(size, conditions), cache_key_order=order), conditions)


def _model(model: casbin.Model, conditions: bool) -> casbin.Model:
    model.load_model_from_text(_ABAC if conditions else _RBAC)
    return model


def _casbin(loaded: casbin.Enforcer, conditions: bool) -> Callable[[Question], Ask]:
    def ask(question: Question) -> Ask:
        role, path = question
        who = (
            SimpleNamespace(role=f"role-{role}", device=2, risk=0, hour=11, country="KR")
            if conditions
            else f"user-{role}"
        )
        asked = who, _path(path), "GET"
        return lambda: bool(loaded.enforce(*asked))

    return ask


def cedar(size: int, conditions: bool) -> Callable[[Question], Ask]:
    """cedarpy, with policies and entities kept as handles."""
    condition = _CEDAR_CONDITION if conditions else ""
    policies = cedarpy.PolicySet.from_str(
        "\n".join(
            f'permit(principal in Role::"role-{number}", action == Action::"GET", resource == Path::"{_path(number)}")'
            f"{condition};"
            for number in range(size)
        )
    )
    users = [
        {"uid": {"type": "User", "id": f"user-{n}"}, "attrs": {}, "parents": [{"type": "Role", "id": f"role-{n}"}]}
        for n in range(size)
    ]
    roles = [{"uid": {"type": "Role", "id": f"role-{n}"}, "attrs": {}, "parents": []} for n in range(size)]
    entities = cedarpy.Entities.from_json_str(msgspec.json.encode([*roles, *users]).decode())

    def ask(question: Question) -> Ask:
        role, path = question
        asked = {
            "principal": {"type": "User", "id": f"user-{role}"},
            "action": {"type": "Action", "id": "GET"},
            "resource": {"type": "Path", "id": _path(path)},
            "context": {"device": 2, "risk": 0, "hour": 11, "country": "KR"} if conditions else {},
        }
        return lambda: bool(cedarpy.is_authorized(asked, policies, entities).allowed)

    return ask


def _path(number: int) -> str:
    return f"/data-{number}/things"


PEERS: dict[str, tuple[str, Engine]] = {
    "enforcer": ("pycasbin Enforcer", enforcer),
    "fast": ("pycasbin FastEnforcer, keyed by path and method", fast_enforcer),
    "cedar": ("cedarpy, handles kept", cedar),
}
"""By the suffix of a result: the peer in words, and how it is loaded."""
