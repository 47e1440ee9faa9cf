"""How the cost of a decision grows with the rules, as a picture: a panel for RBAC, one for ABAC, both axes by tens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "decisions-by-rules.svg"
NAMES = {
    "munjigi": "Munjigi",
    "fast": "FastEnforcer (keyed)",
    "cedar": "cedarpy",
    "enforcer": "casbin Enforcer",
}
_WIDTH, _HEIGHT, _PANEL = 880, 420, 330
_LEFT, _TOP, _BOTTOM, _GAP = 70, 70, 330, 100
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1c2330 }
.title { font-weight: 600; font-size: 15px }
.grid { stroke: #c9d1dc; stroke-width: 1 }
.line { fill: none; stroke-width: 2.5 }
.munjigi { stroke: #0b6e4f } .fast { stroke: #8a4b00; stroke-dasharray: 8 4 }
.cedar { stroke: #3a4fb0; stroke-dasharray: 2 4 } .enforcer { stroke: #a3123f; stroke-dasharray: 12 4 2 4 }
.back { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6eaf0 } .back { fill: #12161d } .grid { stroke: #3a4350 }
  .munjigi { stroke: #4fd1a5 } .fast { stroke: #f0a860 } .cedar { stroke: #93a5ff } .enforcer { stroke: #ff7fa3 }
}
"""


class Point(msgspec.Struct, frozen=True):
    """What one engine takes at one size."""

    engine: str
    conditions: bool
    match: str
    size: int
    microseconds: float


def draw(points: Iterable[Point]) -> None:
    """Write the picture. Of the three questions the dearest counts, and of several looks at it the cheapest."""
    looks: dict[tuple[bool, str, int, str], float] = {}
    for point in points:
        key = (point.conditions, point.engine, point.size, point.match)
        looks[key] = min(looks.get(key, math.inf), point.microseconds)
    dearest: dict[tuple[bool, str, int], float] = {}
    for (conditions, engine, size, _), value in looks.items():
        dearest[conditions, engine, size] = max(dearest.get((conditions, engine, size), 0.0), value)
    PICTURE.write_text("\n".join(_picture(dearest)) + "\n", encoding="utf-8")


def _picture(dearest: dict[tuple[bool, str, int], float]) -> Iterator[str]:
    sizes = sorted({size for _, _, size in dearest})
    powers = (
        math.floor(math.log10(min(dearest.values()))),
        math.ceil(math.log10(max(dearest.values()))),
    )
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        ' aria-labelledby="title description">'
    )
    yield '<title id="title">Microseconds a decision, by the number of rules</title>'
    yield f'<desc id="description">{_in_words(dearest, sizes)}</desc>'
    yield f"<style>{_STYLE}</style>"
    yield f'<rect class="back" width="{_WIDTH}" height="{_HEIGHT}"/>'
    for number, conditions in enumerate((False, True)):
        left = _LEFT + number * (_PANEL + _GAP)
        yield f'<text class="title" x="{left}" y="28">{"ABAC: conditions" if conditions else "RBAC: roles"}</text>'
        yield f'<text x="{left}" y="48">microseconds a decision, the dearest of three questions</text>'
        yield from _grid(left, sizes, powers)
        for engine in NAMES:
            places = [
                f"{_x(left, sizes, size):.1f},{_y(powers, dearest[conditions, engine, size]):.1f}"
                for size in sizes
                if (conditions, engine, size) in dearest
            ]
            yield f'<polyline class="line {engine}" points="{" ".join(places)}"/>'
    for number, (engine, name) in enumerate(NAMES.items()):
        x = _LEFT + number * 200
        yield f'<line class="line {engine}" x1="{x}" y1="{_HEIGHT - 24}" x2="{x + 36}" y2="{_HEIGHT - 24}"/>'
        yield f'<text x="{x + 44}" y="{_HEIGHT - 20}">{name}</text>'
    yield "</svg>"


def _grid(left: float, sizes: Sequence[int], powers: tuple[int, int]) -> Iterator[str]:
    for power in range(powers[0], powers[1] + 1):
        y = _y(powers, 10.0**power)
        yield f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{left + _PANEL}" y2="{y:.1f}"/>'
        yield f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>'
    for size in sizes:
        yield f'<text x="{_x(left, sizes, size):.1f}" y="{_BOTTOM + 20}" text-anchor="middle">{size:,}</text>'
    yield f'<text x="{left + _PANEL / 2}" y="{_BOTTOM + 40}" text-anchor="middle">rules</text>'


def _x(left: float, sizes: Sequence[int], size: int) -> float:
    least, most = math.log10(sizes[0]), math.log10(sizes[-1])
    return left + 20 + (math.log10(size) - least) / (most - least) * (_PANEL - 40)


def _y(powers: tuple[int, int], microseconds: float) -> float:
    share = (math.log10(microseconds) - powers[0]) / (powers[1] - powers[0])
    return _BOTTOM - share * (_BOTTOM - _TOP)


def _in_words(dearest: dict[tuple[bool, str, int], float], sizes: Sequence[int]) -> str:
    """What the lines show, for whoever does not see them."""
    least, most = sizes[0], sizes[-1]
    sentences = []
    for conditions, kind in ((False, "With roles"), (True, "With conditions")):
        ways = [
            f"{name} {dearest[conditions, engine, least]:,.1f} at {least:,} rules"
            f" and {dearest[conditions, engine, most]:,.1f} at {most:,}"
            for engine, name in NAMES.items()
            if (conditions, engine, most) in dearest
        ]
        sentences.append(f"{kind}, microseconds: {'; '.join(ways)}.")
    return " ".join(sentences)
