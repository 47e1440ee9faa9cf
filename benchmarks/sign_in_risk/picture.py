"""How many attacks are caught at how many false alarms, as a picture: a curve for each kind of attack."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from benchmarks.sign_in_risk.evaluation import Outcome

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "sign-in-risk.svg"
LEAST, MOST = 0.001, 1.0
"""False alarms, the ends of the axis."""
_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 70, 570, 400
_WIDTH, _HEIGHT = 880, 460
_DASHES = ("", "8 4", "2 4", "12 4 2 4", "4 4", "16 4", "1 3")
_COLOURS = ("#0b6e4f", "#8a4b00", "#3a4fb0", "#a3123f", "#5b2c83", "#006a8e", "#6b5d00")
_AT_NIGHT = ("#4fd1a5", "#f0a860", "#93a5ff", "#ff7fa3", "#c79bf0", "#6cc8ea", "#dccb5a")
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1c2330 }
.title { font-weight: 600; font-size: 15px }
.grid { stroke: #c9d1dc; stroke-width: 1 } .default { stroke: #1c2330; stroke-width: 1; stroke-dasharray: 3 3 }
.line { fill: none; stroke-width: 2.5 }
.back { fill: #ffffff }
"""


def draw(outcome: Outcome) -> None:
    """Write the picture."""
    PICTURE.write_text("\n".join(_picture(outcome)) + "\n", encoding="utf-8")


def _picture(outcome: Outcome) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        ' aria-labelledby="title description">'
    )
    yield '<title id="title">Attacks that are asked for more, by the share of own sign-ins that are</title>'
    at = outcome.threshold(0.01)
    words = "; ".join(f"{name} {100 * outcome.caught(name, at):.1f} %" for name in outcome.attacks)
    yield f'<desc id="description">At 1 % of people\'s own sign-ins, caught are: {words}.</desc>'
    yield f"<style>{_STYLE}{_by_attack()}</style>"
    yield f'<rect class="back" width="{_WIDTH}" height="{_HEIGHT}"/>'
    yield f'<text class="title" x="{_LEFT}" y="28">Attacks caught (%), by false alarms</text>'
    yield f'<text x="{_LEFT}" y="48">the dotted line: the default, a risk of 50</text>'
    for share in (0, 25, 50, 75, 100):
        y = _y(share / 100)
        yield f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}"/>'
        yield f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{share}</text>'
    for alarms in (0.001, 0.01, 0.1, 1.0):
        x = _x(alarms)
        yield f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_BOTTOM}"/>'
        yield f'<text x="{x:.1f}" y="{_BOTTOM + 20}" text-anchor="middle">{100 * alarms:g} %</text>'
    yield f'<text x="{(_LEFT + _RIGHT) / 2}" y="{_BOTTOM + 44}" text-anchor="middle">of people\'s own sign-ins</text>'
    default = _x(max(LEAST, outcome.alarms(50)))
    yield f'<line class="default" x1="{default:.1f}" y1="{_TOP}" x2="{default:.1f}" y2="{_BOTTOM}"/>'
    for number, attack in enumerate(outcome.attacks):
        places = [
            f"{_x(outcome.alarms(risk)):.1f},{_y(outcome.caught(attack, risk)):.1f}"
            for risk in range(101)
            if outcome.alarms(risk) >= LEAST
        ]
        y = _TOP + 30 + number * 28
        yield f'<polyline class="line a{number}" points="{" ".join(places)}"/>'
        yield f'<line class="line a{number}" x1="600" y1="{y - 4}" x2="640" y2="{y - 4}"/>'
        yield f'<text x="650" y="{y}">{attack}</text>'
    yield "</svg>"


def _by_attack() -> str:
    lines = [
        f".a{number} {{ stroke: {colour}; stroke-dasharray: {dashes or 'none'} }}"
        for number, (colour, dashes) in enumerate(zip(_COLOURS, _DASHES, strict=True))
    ]
    night = " ".join(f".a{number} {{ stroke: {colour} }}" for number, colour in enumerate(_AT_NIGHT))
    dark = (
        "@media (prefers-color-scheme: dark) { text { fill: #e6eaf0 } .back { fill: #12161d } .grid { stroke: #3a4350 }"
        f" .default {{ stroke: #e6eaf0 }} {night} }}"
    )
    return "\n".join([*lines, dark, ""])


def _x(alarms: float) -> float:
    return _LEFT + (math.log10(alarms / LEAST) / math.log10(MOST / LEAST)) * (_RIGHT - _LEFT)


def _y(caught: float) -> float:
    return _BOTTOM - caught * (_BOTTOM - _TOP)
