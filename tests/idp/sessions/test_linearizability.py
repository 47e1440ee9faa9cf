"""The check finds what it is there to find."""

from __future__ import annotations

import pytest

from tests.idp.linearizability import Act, violations

CHAIN = ("a", "b", "c")


def began(sid: str, asked: float, answered: float) -> Act:
    return Act(asked, answered, sid, began=True)


def saw(sid: str, asked: float, answered: float) -> Act:
    return Act(asked, answered, sid, began=False)


@pytest.mark.parametrize(
    "history",
    [
        [began("a", 0, 1), saw("a", 2, 3), began("b", 4, 5), saw("b", 6, 7), began("c", 8, 9)],
        [began("a", 0, 9), began("b", 0, 9), began("c", 0, 9), saw("c", 0, 9), saw("a", 0, 9)],
        [began("a", 0, 1), began("b", 2, 6), saw("a", 3, 4), saw("b", 5, 7)],  # while b began either may be seen
        [began("a", 0, 1), saw("b", 2, 3), began("b", 1.5, 9)],  # committed, and not answered yet
    ],
)
def test_what_could_have_happened(history: list[Act]) -> None:
    assert violations(CHAIN, history) == []


@pytest.mark.parametrize(
    "history",
    [
        [began("a", 0, 1), began("b", 2, 3), saw("a", 4, 5)],  # a session that was taken over lives on
        [began("b", 0, 1), began("a", 2, 3)],  # in another order than the clients saw
        [saw("b", 0, 1), began("b", 2, 3)],  # seen before it began
        [saw("b", 0, 2), saw("a", 3, 4)],  # it came back
        [began("a", 0, 1), began("a", 2, 3)],
        [saw("x", 0, 1)],
    ],
)
def test_what_could_not(history: list[Act]) -> None:
    assert violations(CHAIN, history)


def test_a_chain_with_a_session_twice() -> None:
    assert violations(("a", "b", "a"), [])
