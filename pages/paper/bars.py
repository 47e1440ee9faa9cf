"""Bars on paper: each row says its words and its figure, so that nothing is told by length or shade alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from pages.paper import type as face

ACCENT, GROUND, INK = HexColor("#2456d6"), HexColor("#d5dbe7"), HexColor("#141a26")
ROW, THICK, SIZE = 18.0, 8.0, 9.0
_FIGURES = 84.0
"""Points that are kept for the figures at the end."""
_WORDS = 0.36
"""Of the width, at most, for the words."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row."""

    words: str
    share: float
    """Of the whole, between 0 and 1."""
    figure: str
    """What it says."""


class Bars(Flowable):  # type: ignore[misc] # the library has no types
    """Several bars to one scale."""

    def __init__(self, rows: Sequence[Bar]) -> None:
        super().__init__()
        self._rows = rows
        self._wide = 0.0

    def wrap(self, available_width: float, _available_height: float) -> tuple[float, float]:
        """How large it is, in points."""
        self._wide = available_width
        return available_width, ROW * len(self._rows)

    def split(self, _available_width: float, available_height: float) -> list[Flowable]:
        """Between two rows, where a page ends."""
        fitting = int(available_height // ROW)
        if fitting < 1 or fitting >= len(self._rows):
            return [] if fitting < 1 else [self]
        return [Bars(self._rows[:fitting]), Bars(self._rows[fitting:])]

    def draw(self) -> None:
        """Draw it, the first row on top."""
        left = self._wide * _WORDS
        room = self._wide - left - _FIGURES
        for place, bar in enumerate(self._rows):
            base = ROW * (len(self._rows) - 1 - place) + (ROW - THICK) / 2
            _say(self.canv, 0, base + 1, _cut(bar.words, left - 8))
            self.canv.setFillColor(GROUND)
            self.canv.roundRect(left, base, room, THICK, 1.5, stroke=0, fill=1)
            share = min(1.0, max(0.0, bar.share))
            if share > 0:
                self.canv.setFillColor(ACCENT)
                self.canv.roundRect(left, base, max(1.5, room * share), THICK, 0.75, stroke=0, fill=1)
            _say(self.canv, self._wide - face.width(bar.figure, SIZE), base + 1, bar.figure)


def _say(canvas: Canvas, x: float, y: float, text: str) -> None:
    canvas.setFillColor(INK)
    for font, run in face.runs(text):
        canvas.setFont(font, SIZE)
        canvas.drawString(x, y, run)
        x += canvas.stringWidth(run, font, SIZE)


def _cut(text: str, most: float) -> str:
    if face.width(text, SIZE) <= most:
        return text
    while text and face.width(text + "…", SIZE) > most:
        text = text[:-1]
    return text + "…"
