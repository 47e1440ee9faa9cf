"""Microseconds a decision, against the engines that one would take instead: pycasbin's two and cedarpy, as they come.

All hold the same rules (`benchmarks/engines.py`), plain (RBAC) and with conditions (ABAC), and answer the same three
questions: one that the first rule allows, one that the last allows, one that none does. They must agree on each. Ours
and a peer are measured in turns, and the best mean of each counts: processor time of this process, which others on the
machine can only make longer. Munjigi's answer is the whole of it: risk, zone, rules, reasons, lease. It is warm: the
same subject, from the same place, meets the same rules again; what working it out anew takes is measured beside it, and
what a bare dictionary does, so that figures of different machines can be compared. Measured besides: what compiling
takes, and what a swap holds up. The curve is drawn to `docs/pictures/decisions-by-rules.svg`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence

from benchmarks.curve import NAMES, Point, draw
from benchmarks.engines import PEERS, Ask, munjigi
from benchmarks.policies import policy_of
from benchmarks.result import Result, tell
from policy.snapshot import Snapshot, compiled

COMMAND = "python -m benchmarks decision"
SIZES = (100, 1_000, 10_000, 100_000)
OURS = 3_000
"""Decisions of ours in one round."""
ROUNDS = 9
PEER_SECONDS = 0.1
"""About how long a round of a peer is; it answers at least once."""
PATIENCE = 1.0
"""Seconds after which a slow peer has had rounds enough."""
TOO_SLOW = 2.0
"""Seconds of one answer from which on a peer is not asked with ten times the rules."""


def run() -> list[Result]:
    """Measure every size against every peer, and draw the curve."""
    results: list[Result] = []
    points: list[Point] = []
    too_slow: set[tuple[str, bool]] = set()
    for conditions in (False, True):
        for size in SIZES:
            ours = munjigi(size, conditions)
            questions = {"first": (0, 0), "last": (size - 1, size - 1), "none": (0, size // 2)}
            for suffix, (peer, engine) in PEERS.items():
                if (suffix, conditions) in too_slow:
                    tell(f"  {peer} is left out from {size} rules on: it takes seconds")
                    continue
                theirs = engine(size, conditions)
                for match, question in questions.items():
                    asks = ours(question), theirs(question)
                    if asks[0]() != asks[1]():
                        raise AssertionError(f"{peer} and Munjigi disagree on {question}")
                    ours_us, peer_us = _in_turns(*asks)
                    kind = "abac" if conditions else "rbac"
                    name = f"decision.{kind}_{size}_{match}.{suffix}"
                    tell(f"  {name}: {ours_us:.2f} us, {peer} {peer_us:.2f} us")
                    results.append(Result.against(name, ours_us, "us/decision", peer, peer_us, COMMAND))
                    points.append(Point("munjigi", conditions, match, size, ours_us))
                    if suffix in NAMES:
                        points.append(Point(suffix, conditions, match, size, peer_us))
                    if peer_us > TOO_SLOW * 1e6:
                        too_slow.add((suffix, conditions))
                del theirs
                gc.collect()
    draw(points)
    return [*results, *_flatness(points), *_compiling()]


def _in_turns(ours: Ask, theirs: Ask) -> tuple[float, float]:
    """The best mean of each, microseconds."""
    begun = time.perf_counter()
    theirs()
    each = time.perf_counter() - begun
    count = max(1, int(PEER_SECONDS / each))
    best_ours = best_theirs = float("inf")
    for done in range(ROUNDS):
        best_ours = min(best_ours, _mean(ours, OURS))
        if done == 0 or time.perf_counter() - begun < PATIENCE:
            best_theirs = min(best_theirs, _mean(theirs, count))
    return best_ours, best_theirs


def _mean(ask: Ask, count: int) -> float:
    begun = time.process_time()
    for _ in range(count):
        ask()
    return (time.process_time() - begun) / count * 1e6


def _flatness(points: Sequence[Point]) -> list[Result]:
    """Ours at the most rules against ours at the fewest, in the same run; promised: at most 1.2."""
    results = []
    for conditions in (False, True):
        for match in ("first", "last", "none"):
            least, most = (
                min(
                    point.microseconds
                    for point in points
                    if (point.engine, point.conditions, point.match, point.size) == ("munjigi", conditions, match, size)
                )
                for size in (SIZES[0], SIZES[-1])
            )
            name = f"decision.flat_{'abac' if conditions else 'rbac'}_{match}"
            peer = f"ours with {SIZES[0]} rules"
            results.append(Result.against(name, most, "us/decision", peer, least, COMMAND))
    return results


def _compiling() -> list[Result]:
    """What publishing 100,000 rules costs, and how long taking them up holds a gateway's loop."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the policy service has it: `config.serving.collect_rarely`
    results = []
    for conditions in (False, True):
        policy = policy_of(SIZES[-1], conditions=conditions)
        compiling, taking = float("inf"), float("inf")
        for _ in range(5):
            begun = time.process_time()
            made = compiled(policy)
            compiling = min(compiling, time.process_time() - begun)
            begun = time.process_time()
            Snapshot(1, made)
            taking = min(taking, time.process_time() - begun)
        kind = "abac" if conditions else "rbac"
        tell(f"  {SIZES[-1]} rules, {kind}: compiled in {compiling:.2f} s, taken up in {taking * 1e3:.2f} ms")
        results.append(
            Result.against(f"decision.compile_{kind}", compiling, "s", "the promise: 2 s", 2.0, COMMAND),
        )
        results.append(
            Result.against(f"decision.take_up_{kind}", taking * 1e3, "ms", "compiling it", compiling * 1e3, COMMAND)
        )
    gc.unfreeze()
    return results
