"""Microseconds a decision, against the two engines that one would take instead: pycasbin and cedarpy, as they come.

All three hold the same rules (a role may GET what is below a path) and answer the same requests, and must agree on
each. Half of the requests are allowed, by rules anywhere in the list; the others are asked by a role without a rule
there, so nothing matches. Munjigi's answer is the whole of it: risk, zone, rules, reasons, lease. What is counted is
processor time of this process, so that others on the machine disturb it less.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import casbin
import cedarpy
import msgspec

from benchmarks.result import Result, tell
from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.decide import decide
from policy.decision import Effect
from policy.request import AccessRequest, DeviceTrust, Facts, Subject
from policy.snapshot import compile_policy

COMMAND = "python -m benchmarks decision"
SIZES = (100, 1_000, 10_000)
ROLES = 50
NOW = 1_795_338_000.0
PEERS_SECONDS = 4.0
"""About how long each peer is measured at each size."""
OURS = 20_000
ROUNDS = 7

_CASBIN_MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act
"""

Question = tuple[int, str]
"""The number of the asking person's role, and a path."""
Answer = Callable[[Question], bool]


def run() -> list[Result]:
    """Measure every size against both peers."""
    return [row for size in SIZES for row in _size(size)]


def _size(size: int) -> list[Result]:
    chance = random.Random(size)
    questions = [_question(chance, size, allowed=number % 2 == 0) for number in range(2_000)]
    ours, peers = _munjigi(size), {"pycasbin": _pycasbin(size), "cedarpy, handles kept": _cedarpy(size)}
    value = _best_mean(ours, questions, OURS)
    rows = []
    for (peer, answer), suffix in zip(peers.items(), ("", ".cedar"), strict=True):
        count = _how_many(answer, questions)
        for question in questions[:count]:
            if answer(question) != ours(question):
                raise AssertionError(f"{peer} and Munjigi disagree on {question}")
        peer_value = _mean(answer, questions, count)
        tell(f"  {size} rules: {value:.2f} us, {peer} {peer_value:.1f} us")
        rows.append(Result.against(f"decision.rules_{size}{suffix}", value, "us/decision", peer, peer_value, COMMAND))
    return rows


def _question(chance: random.Random, size: int, *, allowed: bool) -> Question:
    rule = chance.randrange(size)
    role = rule % ROLES if allowed else (rule + 1) % ROLES
    return role, f"/area-{rule}/things/{chance.randrange(1000)}"


def _how_many(answer: Answer, questions: Sequence[Question]) -> int:
    begun = time.perf_counter()
    answer(questions[0])
    answer(questions[1])
    each = (time.perf_counter() - begun) / 2
    return max(20, min(len(questions), int(PEERS_SECONDS / each)))


def _mean(answer: Answer, questions: Sequence[Question], count: int) -> float:
    begun = time.process_time()
    for number in range(count):
        answer(questions[number % len(questions)])
    return (time.process_time() - begun) / count * 1e6


def _best_mean(answer: Answer, questions: Sequence[Question], count: int) -> float:
    """The median of several rounds: ours is short enough to be disturbed."""
    return sorted(_mean(answer, questions, count) for _ in range(ROUNDS))[ROUNDS // 2]


def _munjigi(size: int) -> Answer:
    rules = tuple(
        Rule(
            id=f"rule-{number}",
            priority=100,
            role=f"role-{number % ROLES}",
            zone="shop",
            path=f"/area-{number}/**",
            methods=("GET",),
            effect=RuleEffect.ALLOW,
        )
        for number in range(size)
    )
    roles = tuple(f"role-{number}" for number in range(ROLES))
    snapshot = compile_policy(Policy(roles=roles, zones=(Zone("shop"),), rules=rules), 1)
    facts = Facts(device_trust=DeviceTrust.REGISTERED, device_id="d", network="office", address="192.0.2.1")
    subjects = [
        Subject(id="u", organisation="o", roles=frozenset({role}), assurance=2, authenticated_at=NOW - 60)
        for role in roles
    ]

    def answer(question: Question) -> bool:
        role, path = question
        return decide(AccessRequest(subjects[role], facts, "shop", "GET", path, NOW), snapshot).effect is Effect.ALLOW

    return answer


def _pycasbin(size: int) -> Answer:
    model = casbin.Model()
    model.load_model_from_text(_CASBIN_MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_policies([[f"role-{n % ROLES}", f"/area-{n}/*", "GET"] for n in range(size)])
    enforcer.add_grouping_policies([[f"user-{n}", f"role-{n}"] for n in range(ROLES)])

    def answer(question: Question) -> bool:
        role, path = question
        return bool(enforcer.enforce(f"user-{role}", path, "GET"))

    return answer


def _cedarpy(size: int) -> Answer:
    policies = cedarpy.PolicySet.from_str(
        "\n".join(
            f'permit(principal in Role::"role-{n % ROLES}", action == Action::"GET", resource == Zone::"shop")'
            f' when {{ context.path like "/area-{n}/*" }};'
            for n in range(size)
        )
    )
    roles = [{"uid": {"type": "Role", "id": f"role-{n}"}, "attrs": {}, "parents": []} for n in range(ROLES)]
    users = [
        {"uid": {"type": "User", "id": f"user-{n}"}, "attrs": {}, "parents": [{"type": "Role", "id": f"role-{n}"}]}
        for n in range(ROLES)
    ]
    zone = {"uid": {"type": "Zone", "id": "shop"}, "attrs": {}, "parents": []}
    entities = cedarpy.Entities.from_json_str(msgspec.json.encode([*roles, *users, zone]).decode())

    def answer(question: Question) -> bool:
        role, path = question
        asked = {
            "principal": {"type": "User", "id": f"user-{role}"},
            "action": {"type": "Action", "id": "GET"},
            "resource": {"type": "Zone", "id": "shop"},
            "context": {"path": path},
        }
        return bool(cedarpy.is_authorized(asked, policies, entities).allowed)

    return answer
