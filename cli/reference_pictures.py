"""The pictures under `docs/pictures/` that are made from a description: steps on a grid, arrows, and the code of each.

A description is TOML beside its picture: `title`, `about`, `[[step]]` (`id`, `at` = column and row, `kind`, `en`, `ko`,
`code` = `file.py:Name` where the step is one of ours) and `[[arrow]]` (`from`, `to`, `label`). A test holds every
`code` against the code, so a picture cannot show what is not there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import msgspec

from cli.reference_sequences import sequences
from cli.services import PROJECT
from config.sections.gateway import GatewaySettings
from gateway.routes.route_file import SHIPPED as SHIPPED_ROUTES
from pages.locale import LOCALES
from pages.picture import MARGIN, frame
from policy.demo import shipped_policy
from policy.zone_map.map import zone_map
from policy.zone_map.picture import draw as draw_map
from policy.zone_map.routes import read_routes

FOLDER = PROJECT / "docs" / "pictures"
WIDTH, HEIGHT = 264, 78
ACROSS, DOWN = 324, 126
TOP = 64
_LIGHT = """    .step { fill: #fff; stroke: #7b869b } .choice { fill: #fff4de; stroke: #7a4d00 }
    .start { fill: #e9f1fe; stroke: #2456d6 } .end { fill: #e6f6ec; stroke: #14683a }
    .stop { fill: #fdeceb; stroke: #b3261e }
"""
_DARK = """      .step { fill: #1a202c; stroke: #7d889e } .choice { fill: #3a2a0a; stroke: #ffcf7d }
      .start { fill: #172a4a; stroke: #8fb0ff } .end { fill: #0f3220; stroke: #86dca8 }
      .stop { fill: #3d1613; stroke: #ffb4ab }
"""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One box."""

    id: str
    at: tuple[int, int]
    en: str
    ko: str = ""
    kind: str = "step"
    """`step`, `choice`, `start`, `end` or `stop`."""
    code: str = ""


class Arrow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """One arrow between two boxes."""

    source: str
    to: str
    label: str = ""
    down: bool = False
    """Between boxes of another column and row: out of the bottom and into a side, not the other way round."""


class Picture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One picture."""

    title: str
    about: str
    step: list[Step]
    arrow: list[Arrow]


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + WIDTH / 2, self.y + HEIGHT / 2


def pictures() -> Mapping[str, str]:
    """Each picture's SVG by its file's name."""
    described = {source.with_suffix(".svg").name: draw(load(source)) for source in sorted(FOLDER.glob("*.toml"))}
    return {**described, **zone_pictures(), **sequences()}


def zone_pictures() -> Mapping[str, str]:
    """The zones of the shipped policy and route table, in each language."""
    shipped = zone_map(shipped_policy(), None, read_routes(SHIPPED_ROUTES, GatewaySettings().port))
    return {f"zones{'' if locale == 'en' else f'.{locale}'}.svg": draw_map(shipped, locale) for locale in LOCALES}


def load(source: Path) -> Picture:
    """Read a description. Raises `msgspec.ValidationError` where it is none."""
    return msgspec.convert(tomllib.loads(source.read_text(encoding="utf-8")), Picture)


def draw(picture: Picture) -> str:
    """The SVG, readable in light and dark, with its words for those who do not see it."""
    boxes = {step.id: _Box(MARGIN + step.at[0] * ACROSS, TOP + step.at[1] * DOWN) for step in picture.step}
    width = max(box.x for box in boxes.values()) + WIDTH + MARGIN
    height = max(box.y for box in boxes.values()) + HEIGHT + MARGIN
    body = [
        *(_arrow(arrow, boxes[arrow.source], boxes[arrow.to]) for arrow in picture.arrow),
        *(_step(step, boxes[step.id]) for step in picture.step),
    ]
    return frame(body, title=picture.title, about=picture.about, width=width, height=height, light=_LIGHT, dark=_DARK)


def _step(step: Step, box: _Box) -> str:
    middle = box.x + WIDTH / 2
    radius = 38 if step.kind in ("choice", "start", "end", "stop") else 10
    words = (("b", step.en), ("m", step.ko), ("c", step.code.rpartition("/")[2]))
    lines = [line for line in words if line[1]]
    first = box.y + HEIGHT / 2 - (len(lines) - 1) * 9 + 5
    texts = "".join(
        f'<text class="{kind}" x="{middle:g}" y="{first + number * 18:g}" text-anchor="middle">{escape(line)}</text>'
        for number, (kind, line) in enumerate(lines)
    )
    return (
        f'  <g><title>{escape(step.code)}</title><rect class="{step.kind}" x="{box.x:g}" y="{box.y:g}" '
        f'width="{WIDTH}" height="{HEIGHT}" rx="{radius}" stroke-width="1.6"/>{texts}</g>'
    )


def _arrow(arrow: Arrow, a: _Box, b: _Box) -> str:
    """Straight where the boxes stand in one column or row; else out of a side and into the top or bottom."""
    (ax, ay), (bx, by) = a.middle, b.middle
    if ax == bx:
        down = by > ay
        start, end = (ax, a.y + (HEIGHT if down else 0)), (bx, b.y + (0 if down else HEIGHT))
        path, label = f"M{ax:g} {start[1]:g}V{end[1]:g}", (ax + 8, (start[1] + end[1]) / 2 + 4, "start")
    elif ay == by:
        right = bx > ax
        start, end = (a.x + (WIDTH if right else 0), ay), (b.x + (0 if right else WIDTH), by)
        path, label = f"M{start[0]:g} {ay:g}H{end[0]:g}", ((start[0] + end[0]) / 2, ay - 7, "middle")
    elif arrow.down:
        into = b.x + (0 if bx > ax else WIDTH)
        path, label = f"M{ax:g} {a.y + HEIGHT:g}V{by:g}H{into:g}", ((ax + into) / 2, by - 7, "middle")
    else:
        out = a.x + (WIDTH if bx > ax else 0)
        into = b.y + (0 if by > ay else HEIGHT)
        path, label = f"M{out:g} {ay:g}H{bx:g}V{into:g}", (bx + 8, (ay + into) / 2 + 4, "start")
    text = (
        f'<text class="m" x="{label[0]:g}" y="{label[1]:g}" text-anchor="{label[2]}">{escape(arrow.label)}</text>'
        if arrow.label
        else ""
    )
    return f'  <path class="a" d="{path}" marker-end="url(#h)"/>{text}'
