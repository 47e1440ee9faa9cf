"""What the risk says of a month of people's own sign-ins, and of attacks on them in that month."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.result import tell
from benchmarks.sign_in_risk.attacks import ATTACKS
from benchmarks.sign_in_risk.generator import World
from policy.risk.sign_in.assessment import DIMENSIONS, Attempt, assess, point
from policy.risk.sign_in.half_space_trees import Forest
from policy.risk.sign_in.profile import REMEMBERED, Population, Profile

WARM_UP, MONTH = 60, 30
"""Days."""
ATTACKED = 0.15
"""Of the month's sign-ins: as often each attack is tried, at that person and time."""


@dataclass
class Outcome:
    """Risks, and what they cost."""

    own: Sequence[int]
    """Of people's own sign-ins."""
    attacks: Mapping[str, Sequence[int]]
    microseconds: float
    """Of processor time, for one assessment with its profile."""

    def threshold(self, alarms: float) -> int:
        """The lowest risk that no more than this share of people's own sign-ins reach."""
        return next(risk for risk in range(102) if sum(own >= risk for own in self.own) <= alarms * len(self.own))

    def alarms(self, threshold: int) -> float:
        """The share of people's own sign-ins that reach it."""
        return sum(own >= threshold for own in self.own) / len(self.own)

    def caught(self, attack: str, threshold: int) -> float:
        """The share of one kind of attack that reaches it."""
        risks = self.attacks[attack]
        return sum(risk >= threshold for risk in risks) / len(risks)

    def area(self, attack: str) -> float:
        """The area under the curve of both shares: how often an attack has more risk than a sign-in of the person."""
        own, attacks = [0] * 101, [0] * 101
        for risk in self.own:
            own[risk] += 1
        for risk in self.attacks[attack]:
            attacks[risk] += 1
        below, won = 0, 0.0
        for risk in range(101):
            won += attacks[risk] * (below + own[risk] / 2)
            below += own[risk]
        return won / (len(self.own) * len(self.attacks[attack]))


def evaluate(people: int, seed: int) -> Outcome:
    """Two months to learn in, one to be judged in."""
    world, population, forest = World(people, seed), Population(), Forest.grown(DIMENSIONS, seed=1)
    own: list[int] = []
    attacks: dict[str, list[int]] = {name: [] for name in ATTACKS}
    spent, assessed = 0.0, 0
    for person, seen in world.days(0, WARM_UP + MONTH):
        began = time.thread_time()
        profile = Profile(person.history)
        if seen.at >= WARM_UP * 86400:
            own.append(assess(Attempt(seen), profile, population, forest).risk)
            spent += time.thread_time() - began
            assessed += 1
            if world.chance.random() < ATTACKED and person.history:
                for name, attack in ATTACKS.items():
                    attacks[name].append(assess(attack(world, person, seen.at), profile, population, forest).risk)
        forest.learn(point(Attempt(seen), profile, population))
        population.learn((seen,))
        person.history.insert(0, seen)
        del person.history[REMEMBERED:]
    tell(f"  {people} people: {assessed} sign-ins in the month, {len(attacks['same country'])} attacks of each kind")
    return Outcome(own, attacks, spent / assessed * 1e6)
