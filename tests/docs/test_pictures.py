"""The pictures that are made show what is there: every code they name exists, and each is as it would be made."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest

from cli.reference_pictures import FOLDER, load, pictures
from cli.reference_sequences import FOLDER as SEQUENCES_FOLDER
from cli.reference_sequences import load_sequence, told
from tests.docs.test_names import FILE, PROJECT, defined

SOURCES = sorted(FOLDER.glob("*.toml"))
SEQUENCES = sorted(SEQUENCES_FOLDER.glob("*.toml"))
FITS = 30
"""Characters of a title that fit into a box."""


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_every_step_is_code_that_exists(source: Path) -> None:
    steps = load(source).step
    assert missing([step.code for step in steps]) == []
    assert [step.en for step in steps if len(step.en) > FITS] == []


def missing(codes: list[str]) -> list[str]:
    """Those that name nothing that there is."""
    wrong = []
    for code in filter(None, codes):
        found = FILE.fullmatch(code)
        if not found or not (PROJECT / found[1]).is_file() or not defined(PROJECT / found[1], found[2].split(".")):
            wrong.append(code)
    return wrong


@pytest.mark.parametrize("source", SEQUENCES, ids=[source.stem for source in SEQUENCES])
def test_a_sequence_is_told_between_lanes_that_exist_by_code_that_exists(source: Path) -> None:
    sequence = load_sequence(source)
    lanes = [lane.id for lane in sequence.lane]
    assert len(set(lanes)) == len(lanes)
    assert {end for step in sequence.step for end in (step.source, step.to) if end} == set(lanes)
    assert missing([step.code for step in sequence.step]) == []
    assert [step for step in sequence.step if not step.frame and not (step.en and step.ko)] == []
    # whoever does not see it is told every step
    svg = source.with_suffix(".svg").read_text(encoding="utf-8")
    assert escape(told(sequence)) in svg
    assert "prefers-color-scheme: dark" in svg


def test_the_pictures_are_as_they_would_be_made() -> None:
    stale = [name for name, svg in pictures().items() if (FOLDER / name).read_text(encoding="utf-8") != svg]
    assert stale == [], "run `munjigi reference`"


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_every_arrow_stands_between_steps(source: Path) -> None:
    picture = load(source)
    steps = {step.id for step in picture.step}
    assert len(steps) == len(picture.step)
    assert {end for arrow in picture.arrow for end in (arrow.source, arrow.to)} <= steps
