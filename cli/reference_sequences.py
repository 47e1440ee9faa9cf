"""The sequence diagrams under `docs/pictures/sequences/`, made from descriptions: who says what to whom, in order.

A description is TOML beside its picture: `title`, `about`, `lane`s (`id`, `en`, `ko`: who takes part) and `step`s, each
one of three kinds. A message has `from`, `to` (the same one: what it does by itself), `en`, `ko`, `code` =
`file.py:Name` where it is ours, and `answer = true` where it answers. A frame begins with `frame` = `alt`, `opt` or
`loop` and its condition in `en`, goes on with `frame = "else"`, and is closed with `frame = "end"`. A `note` stands
over the lanes `from` to `to`.

The words of all steps, numbered, are in the picture's description, for those who do not see it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Literal

import msgspec

from cli.services import PROJECT
from pages.picture import MARGIN, frame, wrapped

FOLDER = PROJECT / "docs" / "pictures" / "sequences"
LANE = 224
"""Pixels from one life line to the next."""
HEAD = 46
TOP = 58
LINE = 16
_INSET = 9
_LOOP = 26
_MONOSPACED = 6.4
"""How wide a character of a code's name is."""
_LIGHT = """    .lane { fill: #e9f1fe; stroke: #2456d6 } .life { stroke: #7b869b; stroke-dasharray: 4 5 }
    .frame { fill: none; stroke: #7a4d00; stroke-width: 1.2 } .tab { fill: #fff4de; stroke: #7a4d00 }
    .note { fill: #fff; stroke: #7b869b } .l { font-size: 12.5px }
    .paper { stroke: #f4f6fa; stroke-width: 4; paint-order: stroke; stroke-linejoin: round }
"""
_DARK = """      .lane { fill: #172a4a; stroke: #8fb0ff } .life { stroke: #7d889e }
      .frame { stroke: #ffcf7d } .tab { fill: #3a2a0a; stroke: #ffcf7d } .note { fill: #1a202c; stroke: #7d889e }
      .paper { stroke: #10141d }
"""

Frame = Literal["", "alt", "opt", "loop", "else", "end"]


class Lane(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who takes part."""

    id: str
    en: str
    ko: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """A message, a note, or the edge of a frame."""

    source: str = ""
    to: str = ""
    en: str = ""
    ko: str = ""
    code: str = ""
    answer: bool = False
    note: bool = False
    frame: Frame = ""


class Sequence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One diagram."""

    title: str
    about: str
    lane: list[Lane]
    step: list[Step]


@dataclass
class _Open:
    """A frame that is being drawn."""

    top: float
    word: str
    left: float
    right: float
    drawn: list[str] = field(default_factory=list)


def sequences() -> Mapping[str, str]:
    """Each diagram's SVG by its file's name, below `docs/pictures/`."""
    return {
        f"{FOLDER.name}/{source.stem}.svg": draw_sequence(load_sequence(source))
        for source in sorted(FOLDER.glob("*.toml"))
    }


def load_sequence(source: Path) -> Sequence:
    """Read a description. Raises `msgspec.ValidationError` where it is none."""
    return msgspec.convert(tomllib.loads(source.read_text(encoding="utf-8")), Sequence)


def told(sequence: Sequence) -> str:
    """The whole diagram as a text."""
    names = {lane.id: lane.en for lane in sequence.lane}
    lines, number = [sequence.about], 0
    for step in sequence.step:
        if step.frame:
            word = {"alt": "If: ", "opt": "If: ", "loop": "Again, ", "else": "Else: ", "end": ""}[step.frame]
            lines += [f"{word}{step.en}." if step.frame != "end" else "End of it."]
        elif step.note:
            lines += [f"({step.en})"]
        else:
            number += 1
            whom = names[step.source] if step.source == step.to else f"{names[step.source]} to {names[step.to]}"
            lines += [f"{number}. {whom}: {step.en}."]
    return " ".join(lines)


def draw_sequence(sequence: Sequence) -> str:
    """The SVG, readable in light and dark, with its words for those who do not see it."""
    drawing = _Drawing(sequence)
    body = list(drawing.body())
    width = 2 * MARGIN + LANE * len(sequence.lane)
    return frame(
        body,
        title=sequence.title,
        about=told(sequence),
        width=width,
        height=drawing.y + MARGIN,
        light=_LIGHT,
        dark=_DARK,
    )


class _Drawing:
    """Goes down the page; frames are known when they are closed, and drawn below everything."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence
        self._x = {lane.id: MARGIN + LANE * (place + 0.5) for place, lane in enumerate(sequence.lane)}
        self._last = max(self._x.values())
        self._open: list[_Open] = []
        self._frames: list[str] = []
        self.y: float = TOP + HEAD + 22

    def body(self) -> Iterator[str]:
        steps = [drawn for place, step in enumerate(self._sequence.step) for drawn in self._step(place, step)]
        if self._open:
            raise ValueError("a frame is not closed")
        self.y += 8
        for lane in self._sequence.lane:
            x = self._x[lane.id]
            yield f'  <path class="life" d="M{x:g} {TOP + HEAD}V{self.y:g}" fill="none"/>'
        yield from self._frames
        for lane in self._sequence.lane:
            yield from self._head(lane)
        yield from steps

    def _head(self, lane: Lane) -> Iterator[str]:
        x = self._x[lane.id]
        yield (
            f'  <rect class="lane" x="{x - 96:g}" y="{TOP}" width="192" height="{HEAD}" rx="8" stroke-width="1.4"/>'
            f'<text class="b" x="{x:g}" y="{TOP + 20}" text-anchor="middle">{escape(lane.en)}</text>'
            f'<text class="m" x="{x:g}" y="{TOP + 37}" text-anchor="middle">{escape(lane.ko)}</text>'
        )

    def _step(self, place: int, step: Step) -> Iterator[str]:
        if step.frame in ("alt", "opt", "loop"):
            left, right = self._span(place)
            inset = _INSET * len(self._open)
            self._open.append(_Open(self.y, step.frame, left - 34 + inset, right + 34 - inset))
            self._condition(step, 58)
        elif step.frame == "else":
            one = self._open[-1]
            one.drawn.append(f'<path class="frame" stroke-dasharray="6 5" d="M{one.left:g} {self.y:g}H{one.right:g}"/>')
            self._condition(step, 10)
        elif step.frame == "end":
            self._close(self._open.pop())
        elif step.note:
            yield from self._note(step)
        else:
            yield from self._message(step)

    def _message(self, step: Step) -> Iterator[str]:
        start, end = self._x[step.source], self._x[step.to]
        alone = start == end
        room = LANE - _LOOP - 22 if alone else abs(end - start) - 20
        lines = [("l", line) for line in wrapped(step.en, room, 12.5)]
        lines += [("m", line) for line in wrapped(step.ko, room, 12)] if step.ko else []
        if step.code:
            where = step.code.rpartition("/")[2]
            fits = len(where) * _MONOSPACED <= abs(end - start or LANE - _LOOP) - 16
            lines.append(("c", where if fits else where.rpartition(":")[2]))
        if alone:
            side = -1 if start == self._last else 1  # beyond the last life line there is no room
            yield self._texts(step, lines, start + side * (_LOOP + 8), "start" if side > 0 else "end")
            low = self.y - 10
            high = low - LINE * len(lines) + 6
            path = f"M{start:g} {high:g}h{side * (_LOOP - 6)}V{low:g}H{start + side * 3:g}"
            yield f'  <path class="a" d="{path}" marker-end="url(#h)"/>'
            self.y += 10
            return
        yield self._texts(step, lines, (start + end) / 2, "middle")
        dashes = ' stroke-dasharray="6 4"' if step.answer else ""
        tip = end - 2 if end > start else end + 2
        yield f'  <path class="a"{dashes} d="M{start:g} {self.y - 6:g}H{tip:g}" marker-end="url(#h)"/>'
        self.y += 18

    def _note(self, step: Step) -> Iterator[str]:
        left, right = sorted((self._x[step.source], self._x[step.to or step.source]))
        left, right = left - 100, right + 100
        lines = [("l", line) for line in wrapped(step.en, right - left - 24, 12.5)]
        lines += [("m", line) for line in wrapped(step.ko, right - left - 24, 12)] if step.ko else []
        top, height = self.y - 6, LINE * len(lines) + 12
        yield (f'  <rect class="note" x="{left:g}" y="{top:g}" width="{right - left:g}" height="{height}" rx="3"/>')
        self.y += 2
        yield self._texts(step, lines, (left + right) / 2, "middle")
        self.y += 16

    def _texts(self, step: Step, lines: list[tuple[str, str]], x: float, anchor: str) -> str:
        texts = ""
        for kind, line in lines:
            self.y += LINE
            texts += (
                f'<text class="{kind} paper" x="{x:g}" y="{self.y - 5:g}" text-anchor="{anchor}">{escape(line)}</text>'
            )
        self.y += 6
        return f"  <g><title>{escape(step.code or step.en)}</title>{texts}</g>"

    def _span(self, place: int) -> tuple[float, float]:
        """From where to where the frame reaches that begins there."""
        depth, ends = 0, []
        for step in self._sequence.step[place:]:
            depth += {"alt": 1, "opt": 1, "loop": 1, "end": -1}.get(step.frame, 0)
            if depth == 0:
                break
            if step.source:
                start, end = self._x[step.source], self._x[step.to or step.source]
                alone = (LANE - 12) * (-1 if start == self._last else 1) if start == end else 0
                ends += [start, end, start + alone]
        return min(ends), max(ends)

    def _condition(self, step: Step, indent: float) -> None:
        one = self._open[-1]
        room = one.right - one.left - indent - 8
        lines = [("l", line) for line in wrapped(f"[{step.en}]", room, 12.5)]
        lines += [("m", line) for line in wrapped(step.ko, room, 12)] if step.ko else []
        for kind, line in lines:
            self.y += LINE
            x = one.left + indent
            one.drawn.append(f'<text class="{kind} paper" x="{x:g}" y="{self.y:g}">{escape(line)}</text>')
        self.y += 10

    def _close(self, one: _Open) -> None:
        self._frames.append(
            f'  <rect class="frame" x="{one.left:g}" y="{one.top:g}" width="{one.right - one.left:g}" '
            f'height="{self.y - one.top:g}" rx="4"/>'
            f'<path class="tab" d="M{one.left:g} {one.top:g}h48v12l-8 8h-40z"/>'
            f'<text class="b l" x="{one.left + 8:g}" y="{one.top + 15:g}">{one.word}</text>' + "".join(one.drawn)
        )
        self.y += 14
