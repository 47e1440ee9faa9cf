"""The pictures that are made show what is there: every code they name exists, and each is as it would be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.reference_pictures import FOLDER, load, pictures
from tests.docs.test_names import FILE, PROJECT, defined

SOURCES = sorted(FOLDER.glob("*.toml"))
FITS = 30
"""Characters of a title that fit into a box."""


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_every_step_is_code_that_exists(source: Path) -> None:
    steps = load(source).step
    missing = []
    for step in steps:
        if step.code:
            found = FILE.fullmatch(step.code)
            if not found or not (PROJECT / found[1]).is_file() or not defined(PROJECT / found[1], found[2].split(".")):
                missing.append(step.code)
    assert missing == []
    assert [step.en for step in steps if len(step.en) > FITS] == []


def test_the_pictures_are_as_they_would_be_made() -> None:
    stale = [name for name, svg in pictures().items() if (FOLDER / name).read_text(encoding="utf-8") != svg]
    assert stale == [], "run `munjigi reference`"


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_every_arrow_stands_between_steps(source: Path) -> None:
    picture = load(source)
    steps = {step.id for step in picture.step}
    assert len(steps) == len(picture.step)
    assert {end for arrow in picture.arrow for end in (arrow.source, arrow.to)} <= steps
