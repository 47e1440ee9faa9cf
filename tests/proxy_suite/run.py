"""Runs the cases against one target, one after the other."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.proxy_suite.origin import Origin
from tests.proxy_suite.rows import (
    admin,
    answers,
    chunks,
    forwarded,
    framing,
    heads,
    hop_by_hop,
    identity,
    limits,
    matching,
    paths,
    redirects,
    request_line,
    retries,
    tokens,
    websockets,
)
from tests.proxy_suite.target import Hurry, Target
from tests.proxy_suite.trial import Case, Failed, Mended, Outcome, Row, trying

ROWS: tuple[Row, ...] = (
    framing.ROW,
    chunks.ROW,
    heads.ROW,
    request_line.ROW,
    hop_by_hop.ROW,
    identity.ROW,
    forwarded.ROW,
    paths.ROW,
    matching.ROW,
    tokens.CACHES,
    tokens.ROW,
    redirects.ROW,
    websockets.ROW,
    limits.ROW,
    retries.ROW,
    answers.ROW,
    admin.ROW,
)
LONGEST = 30.0
"""Seconds that a case may take."""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Result:
    """What came of a case."""

    row: str
    case: str
    outcome: Outcome
    why: str = ""
    seconds: float = 0.0


async def run(
    target: Target, origin: Origin, *, hurry: Hurry | None = None, rows: Iterable[Row] = ROWS, only: str = ""
) -> list[Result]:
    """The results in the order of the rows. `hurry`: how the gateway's time is made to pass; None: it is waited for,
    by all cases that must at once. `only`: what the case's name contains, or that of its row."""
    chosen = [(row, case) for row in rows for case in row.cases if only in case.name or only in row.name]
    origin.log.clear()
    apart = [one for one in chosen if one[1].waits and hurry is None]
    results = {
        id(case): await _tried(row, case, target, origin, hurry) for row, case in chosen if (row, case) not in apart
    }
    waited = await asyncio.gather(*(_tried(row, case, target, origin, hurry) for row, case in apart))
    results |= {id(case): result for (_, case), result in zip(apart, waited, strict=True)}
    return [results[id(case)] for _, case in chosen]


async def _tried(row: Row, case: Case, target: Target, origin: Origin, hurry: Hurry | None) -> Result:
    if not target.does(case.needs):
        return Result(row.name, case.name, Outcome.NOT_OFFERED)
    name, begun = f"case-{next(_numbers)}x", time.monotonic()
    try:
        outcome, why = await _outcome(name, case, target, origin, hurry)
    finally:
        origin.scripts.pop(name, None)
        origin.log[:] = [one for one in origin.log if one.case not in (name, "")]
    return Result(row.name, case.name, outcome, why, time.monotonic() - begun)


async def _outcome(name: str, case: Case, target: Target, origin: Origin, hurry: Hurry | None) -> tuple[Outcome, str]:
    try:
        async with asyncio.timeout(LONGEST), trying(name, target, origin, hurry) as trial:
            await case.run(trial)
    except Mended as mended:
        return Outcome.MENDED, str(mended)
    except Failed as failed:
        return Outcome.FAILED, str(failed)
    except TimeoutError:
        return Outcome.FAILED, "the gateway does not get on"
    except OSError as error:
        return Outcome.FAILED, f"no connection: {error}"
    return Outcome.PASSED, ""


def counted(results: Sequence[Result], row: Row) -> dict[Outcome, int]:
    """How often each came out in a row."""
    own = [result.outcome for result in results if result.row == row.name]
    return {outcome: own.count(outcome) for outcome in Outcome}
