"""How well the risk of sign-ins tells people from who poses as them, and what it costs.

A thousand generated people, two months to learn in and one to be judged in, attacks that no model learned from. Peers
are the promises: the share of attacks that must be asked for more at one false alarm in a hundred sign-ins, and the
time that scoring may add to a login.
"""

from __future__ import annotations

from benchmarks.result import Result
from benchmarks.sign_in_risk.evaluation import evaluate
from benchmarks.sign_in_risk.picture import draw

COMMAND = "python -m benchmarks risk"
PEOPLE, SEED = 1000, 7
ALARMS = 0.01
PROMISED = {"another country": 0.95, "same country": 0.80}
LONGEST = 2000.0
"""Microseconds that scoring may add to a login."""


def run() -> list[Result]:
    """Measure, and draw the curves."""
    outcome = evaluate(PEOPLE, SEED)
    draw(outcome)
    threshold = outcome.threshold(ALARMS)
    results = [
        Result.against(
            f"risk.{attack.replace(' ', '_')}",
            100 * outcome.caught(attack, threshold),
            "% caught at 1 % false alarms",
            "the promise" if attack in PROMISED else "all of them",
            100 * PROMISED.get(attack, 1.0),
            COMMAND,
        )
        for attack in outcome.attacks
    ]
    results += [
        Result.against(
            "risk.alarms_at_50",
            100 * outcome.alarms(50),
            "% of own sign-ins",
            "the default threshold's aim",
            100 * ALARMS,
            COMMAND,
        ),
        Result.against(
            "risk.scoring",
            outcome.microseconds,
            "us of processor time a login",
            "what it may add",
            LONGEST,
            COMMAND,
        ),
    ]
    return results
