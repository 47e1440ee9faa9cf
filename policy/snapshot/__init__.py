"""A policy compiled for speed: bytes that a gateway takes up whole, at once, and reads on demand.

Rules lie in a tree of path segments per zone, there by method, there by the role that they name, so that a request
meets only rules that speak of its zone, path, method and one of its roles; rules that cannot match cost nothing.

Owns: the format (`layout`), compiling where a policy is published (`compiler`), looking things up (`snapshot`, `reach`,
`standings`, `assigned`). What is kept besides the bytes follows from the policy alone and is bounded.

Does not own: signatures and where the bytes come from (`policy.compiled_versions`); what is decided (`policy.decide`).
"""

from policy.artefact import Policy
from policy.snapshot.compiler import compile_policy, compiled
from policy.snapshot.layout import FORMAT
from policy.snapshot.rule import CompiledRule, holds
from policy.snapshot.snapshot import Snapshot
from policy.snapshot.standings import KEPT_STANDINGS, Standing

NONE = Snapshot(0, compiled(Policy((), (), ())))
"""No policy: everything is denied."""

__all__ = [
    "FORMAT",
    "KEPT_STANDINGS",
    "NONE",
    "CompiledRule",
    "Snapshot",
    "Standing",
    "compile_policy",
    "compiled",
    "holds",
]
