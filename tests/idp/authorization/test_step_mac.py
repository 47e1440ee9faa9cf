"""A hop is accepted by its own step, for its own login, from its own browser: by nothing else."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.authorization.next_step import Step
from idp.authorization.step_mac import CONTINUE, StepMac, WrongHop, browser_hash

MAC = StepMac(b"k" * 32)
LOGIN = UUID(int=7)
BROWSER = browser_hash("a cookie")
STEPS = [*Step, CONTINUE]


def test_its_own_step_accepts() -> None:
    for step in STEPS:
        assert MAC.accept(MAC.issue(LOGIN, step, BROWSER), step, BROWSER) == LOGIN


@pytest.mark.parametrize(("issued", "asked"), list(itertools.permutations(STEPS, 2)))
def test_another_step_refuses(issued: str, asked: str) -> None:
    with pytest.raises(WrongHop):
        MAC.accept(MAC.issue(LOGIN, issued, BROWSER), asked, BROWSER)


def test_another_browser_login_or_key_refuses() -> None:
    hop = MAC.issue(LOGIN, CONTINUE, BROWSER)
    with pytest.raises(WrongHop):
        MAC.accept(hop, CONTINUE, browser_hash("another cookie"))
    with pytest.raises(WrongHop):
        StepMac(b"K" * 32).accept(hop, CONTINUE, BROWSER)
    other = MAC.issue(UUID(int=8), CONTINUE, BROWSER)
    with pytest.raises(WrongHop):
        MAC.accept(other.partition(".")[0] + "." + hop.partition(".")[2], CONTINUE, BROWSER)


@given(st.text(max_size=200))
def test_anything_else_is_refused_and_nothing_else_raised(text: str) -> None:
    with pytest.raises(WrongHop):
        MAC.accept(text, CONTINUE, BROWSER)


def test_the_key_is_not_shown() -> None:
    assert "kkk" not in repr(MAC)
    with pytest.raises(ValueError):
        StepMac(b"short")
