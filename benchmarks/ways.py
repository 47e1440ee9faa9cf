"""What each way of reserving a hot item decides in a second, as a picture: a bar for each, its axis by tens."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "reservation-ways.svg"
NAMES = {
    "optimistic": "optimistic version",
    "several_items": "three items, one transaction",
    "queue_of_one": "queue, one at a time",
    "pessimistic": "pessimistic lock",
    "row_lock": "row-locked transaction",
    "atomic": "atomic UPDATE",
    "queue_batches": "queue, in batches (the default)",
    "valkey_script": "Valkey script (not durable)",
    "read_cached": "read from the cache",
}
"""By the way in the results, in the order of the picture."""
_LEFT, _WIDTH, _BAR, _TOP = 250, 900, 34, 76
_SCALE = 500
_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1c2330 }
.title { font-weight: 600; font-size: 16px }
.grid { stroke: #c9d1dc; stroke-width: 1 }
.bar { fill: #7a8699 } .queue_batches { fill: #0b6e4f } .back { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6eaf0 } .back { fill: #12161d } .grid { stroke: #3a4350 }
  .bar { fill: #6f7c90 } .queue_batches { fill: #4fd1a5 }
}
"""


def draw(rates: Mapping[str, float], base: float) -> None:
    """Write the picture of decisions in a second; `base` is what 1 times as fast means."""
    PICTURE.write_text("\n".join(_picture(rates, base)) + "\n", encoding="utf-8")


def _picture(rates: Mapping[str, float], base: float) -> Iterator[str]:
    shown = {way: rates[way] for way in NAMES if way in rates}
    least = math.floor(math.log10(min(shown.values())))
    most = math.ceil(math.log10(max(shown.values())))
    height = _TOP + _BAR * len(shown) + 44
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        ' aria-labelledby="title description">'
    )
    yield '<title id="title">Decisions in a second on one hot item, by each way of reserving</title>'
    words = "; ".join(f"{NAMES[way]} {rate:,.0f}, {rate / base:.1f} times" for way, rate in shown.items())
    yield f'<desc id="description">In a second, and against row-locked transactions: {words}.</desc>'
    yield f"<style>{_STYLE}</style>"
    yield f'<rect class="back" width="{_WIDTH}" height="{height}"/>'
    yield '<text class="title" x="20" y="28">One hot item: decisions in a second</text>'
    yield '<text x="20" y="50">and how many times as fast as row-locked transactions of 8 clients</text>'
    for power in range(least, most + 1):
        x = _LEFT + (power - least) / (most - least) * _SCALE
        yield f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - 34}"/>'
        yield f'<text x="{x:.1f}" y="{height - 14}" text-anchor="middle">{10**power:,}</text>'
    for number, (way, rate) in enumerate(shown.items()):
        y = _TOP + number * _BAR
        length = (math.log10(rate) - least) / (most - least) * _SCALE
        yield f'<text x="{_LEFT - 12}" y="{y + 18}" text-anchor="end">{NAMES[way]}</text>'
        yield f'<rect class="bar {way}" x="{_LEFT}" y="{y + 3}" width="{length:.1f}" height="{_BAR - 12}"/>'
        yield f'<text x="{_LEFT + length + 8:.1f}" y="{y + 18}">{rate:,.0f} ({rate / base:.1f}×)</text>'
    yield "</svg>"
