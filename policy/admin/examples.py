"""A body that each operation takes, as its OpenAPI document shows it; a test sees to it that each is taken."""

from __future__ import annotations

from collections.abc import Mapping

_WHY = "Agreed in the change meeting of 27 November"
_RULE = {
    "id": "night.orders",
    "priority": 205,
    "role": "customer",
    "zone": "shop",
    "path": "/orders",
    "methods": ["POST"],
    "condition": "hour < 6 and device < registered",
    "effect": "deny",
}
_LINE = "p, 205, night.orders, customer, *, shop, /orders, POST, hour < 6 and device < registered, deny,\n"
_ASSIGNMENT = {"subject": "group:night-shift", "role": "support"}

_MODEL = """[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act
"""

EXAMPLES: Mapping[str, object] = {
    "DraftRequest": {"why": _WHY, "rules": _LINE},
    "PublishRequest": {"why": _WHY},
    "RollbackRequest": {"why": "The night rule hit the warehouse", "to": 6},
    "ReasonRequest": {"why": _WHY},
    "TrialRequest": {"rules": _LINE},
    "ShadowRequest": {"why": _WHY},
    "RuleRequest": {"why": _WHY, "rule": _RULE},
    "RoleRequest": {"why": _WHY, "role": {"name": "vendor", "inherits": [{"role": "customer"}]}},
    "AssignmentRequest": {"why": _WHY, "assignment": _ASSIGNMENT},
    "BulkRequest": {
        "why": _WHY,
        "changes": [
            {"do": "put_rule", "rule": _RULE},
            {"do": "remove_rule", "id": "day.orders"},
            {"do": "put_assignment", "assignment": _ASSIGNMENT},
        ],
    },
    "ImportRequest": {
        "why": _WHY,
        "model": _MODEL,
        "policy": "p, editor, /articles/:id, write\ng, alice, editor\n",
        "setting": {"zone": "shop"},
    },
    "Ordered": {
        "target": {"kind": "address", "value": "203.0.113.0/24"},
        "effect": "step_up",
        "seconds": 3600,
        "why": "Odd sign-ins from there since six",
    },
    "Wish": {"role": "support", "seconds": 3600, "reason": "Ticket 4711: a customer cannot cancel"},
    "Reasoned": {"why": _WHY},
    "ReplayRequest": {"why": _WHY, "since": "2026-11-26T00:00:00Z"},
    "ExplainRequest": {
        "request": {
            "subject": {"id": "u-1", "organisation": "org-1", "roles": ["customer"], "assurance": 1},
            "facts": {"device_trust": 1, "network": "private"},
            "zone": "shop",
            "method": "POST",
            "path": "/orders",
            "at": 1795287600,
        }
    },
}
"""By the name of the message."""
