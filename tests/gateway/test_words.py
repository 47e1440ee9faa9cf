"""Whatever may be refused has words, in both languages."""

from __future__ import annotations

import pytest

from config.problem import ProblemType
from gateway.decision import enforcement
from gateway.relying_party import problems
from gateway.session_pages.app import HERE
from pages.catalogue import Catalogue
from pages.help.words import help_messages
from policy.reasons import Reason

CATALOGUE = Catalogue.load(HERE / "templates" / "messages.toml", beside=help_messages())
SHOWN = [
    enforcement.SESSION_UNKNOWN,
    enforcement.READ_ONLY_NOW,
    enforcement.NOT_ALLOWED,
    enforcement.LESS_NOW,
    enforcement.OTHER_METHODS_ONLY,
    *(value for value in vars(problems).values() if isinstance(value, ProblemType)),
]


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.code)
def test_every_problem_that_is_a_page_has_words(kind: ProblemType) -> None:
    assert f"help.{kind.code}.title" in CATALOGUE
    assert f"help.{kind.code}.do" in CATALOGUE


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words(reason: Reason) -> None:
    assert f"reason.{reason.value}" in CATALOGUE


def test_codes_are_unique() -> None:
    kinds = [value for module in (enforcement, problems) for value in vars(module).values()]
    codes = [kind.code for kind in kinds if isinstance(kind, ProblemType)]
    assert len(codes) == len(set(codes))
