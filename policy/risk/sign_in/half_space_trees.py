"""Half-space trees: an anomaly detector that learns from a stream in fixed memory.

Tan, Ting, Liu: Fast Anomaly Detection for Streaming Data (IJCAI 2011). Each tree halves the space of points at random
places; a node knows how many points of the last window fell into it. Where few fell, a point is odd.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

TREES: Final = 25
DEPTH: Final = 8
WINDOW: Final = 250
"""Points after which what was learned is what counts."""
ENOUGH: Final = WINDOW // 10
"""A node with fewer points is not looked below (the paper's size limit)."""
NODES: Final = (1 << (DEPTH + 1)) - 1


class Tree(msgspec.Struct):
    """A full binary tree in arrays: the children of `i` are `2 i + 1` and `2 i + 2`."""

    feature: list[int]
    at: list[float]
    learned: list[int]
    counts: list[int]


class Forest(msgspec.Struct):
    """Points have `dimensions` numbers from 0 to 1."""

    dimensions: int
    trees: list[Tree]
    learned: int = 0
    """Points of the window at hand."""
    windows: int = 0

    @classmethod
    def grown(cls, dimensions: int, seed: int) -> Forest:
        """A forest that has seen nothing. The same seed grows the same one."""
        chance = Random(seed)  # noqa: S311 - where space is halved is no secret
        return cls(dimensions, [_tree(dimensions, chance) for _ in range(TREES)])

    def learn(self, point: Sequence[float]) -> None:
        """Count one more."""
        for tree in self.trees:
            learned = tree.learned
            node = 0
            for _ in range(DEPTH):
                learned[node] += 1
                node = 2 * node + (1 if point[tree.feature[node]] < tree.at[node] else 2)
            learned[node] += 1
        self.learned += 1
        if self.learned == WINDOW:
            for tree in self.trees:
                tree.counts, tree.learned = tree.learned, [0] * NODES
            self.learned = 0
            self.windows += 1

    def oddness(self, point: Sequence[float]) -> float:
        """0 (where most are) to 1 (where nobody was); 0 before the first window is full."""
        if not self.windows:
            return 0.0
        mass = 0.0
        for tree in self.trees:
            counts, node, depth = tree.counts, 0, 0
            while depth < DEPTH and counts[node] > ENOUGH:
                node = 2 * node + (1 if point[tree.feature[node]] < tree.at[node] else 2)
                depth += 1
            mass += min(1.0, counts[node] * (1 << depth) / WINDOW)
        return 1 - mass / TREES


def _tree(dimensions: int, chance: Random) -> Tree:
    feature, at = [0] * NODES, [0.0] * NODES

    def grow(node: int, low: list[float], high: list[float], depth: int) -> None:
        if depth == DEPTH:
            return
        chosen = chance.randrange(dimensions)
        middle = (low[chosen] + high[chosen]) / 2
        feature[node], at[node] = chosen, middle
        grow(2 * node + 1, low, [*high[:chosen], middle, *high[chosen + 1 :]], depth + 1)
        grow(2 * node + 2, [*low[:chosen], middle, *low[chosen + 1 :]], high, depth + 1)

    lows, highs = [], []
    for _ in range(dimensions):  # the paper's work space: the range is not known beforehand, so each tree guesses one
        centre = chance.random()
        spread = 2 * max(centre, 1 - centre)
        lows.append(centre - spread)
        highs.append(centre + spread)
    grow(0, lows, highs, 0)
    return Tree(feature, at, [0] * NODES, [0] * NODES)
