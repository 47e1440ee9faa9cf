"""A single change that is tried, and whether an answer turned over by it."""

from __future__ import annotations

from typing import NamedTuple

from policy.decision import Effect
from policy.explain.told import Kind, Value, Who
from policy.request import AccessRequest

PASSES = (Effect.ALLOW, Effect.REDUCE)


class Tried(NamedTuple):
    """A change, and the request with it."""

    kind: Kind
    who: Who
    name: str
    was: Value
    would_be: Value
    request: AccessRequest


def turns(was: Effect, would_be: Effect) -> bool:
    """An answer that lets pass is turned over by one that does not. One that refuses is by one that lets pass, and a
    denial by one that asks for a step-up, too."""
    if was in PASSES:
        return would_be not in PASSES
    return would_be in PASSES or (was is Effect.DENY and would_be is Effect.STEP_UP)
