"""Casbin's own example models: in the reference enforcer, and taken over into our document, with their results."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from policy.artefact import Policy, Zone
from policy.casbin_files.model import WrongModel
from policy.casbin_files.reading import Imported, Setting, take_over
from policy.casbin_lines import WrongLines
from policy.casbin_model import stock
from policy.decide import decide
from policy.decision import Effect
from policy.request import AccessRequest, Facts, Subject
from policy.snapshot import compile_policy
from tests.policy.samples import MONDAY_NOON

EXAMPLES = tomllib.loads((Path(__file__).parent / "casbin_examples.toml").read_text(encoding="utf-8"))["example"]
ALL = [pytest.param(each, id=f"{each['model']}-{each['policy']}-{index}") for index, each in enumerate(EXAMPLES)]
SHOP = (Zone("shop", assurance=0),)


def setting(example: dict[str, Any]) -> Setting:
    return Setting(
        "shop",
        name_patterns=example.get("name_patterns", {}),
        domain_patterns=frozenset(example.get("domain_patterns", ())),
    )


@cache
def _taken_over(index: int) -> Imported | str:
    example = EXAMPLES[index]
    try:
        return take_over(example["model_text"], example["policy_text"], setting(example))
    except (WrongModel, WrongLines) as refused:
        return refused.errors[0].message


def taken_over(example: dict[str, Any]) -> Imported | str:
    """The example in our document, or why it is refused."""
    return _taken_over(EXAMPLES.index(example))


def published(example: dict[str, Any]) -> list[tuple[list[Any], bool]]:
    return [(asked, expected) for *asked, expected in example["asked"]]


def by_casbin(example: dict[str, Any]) -> list[bool]:
    """What the stock enforcer answers."""
    enforcer = stock(
        example["model_text"],
        example["policy_text"],
        name_patterns=example.get("name_patterns", {}),
        domain_patterns=example.get("domain_patterns", ()),
        timed=example.get("timed", False),
    )
    return [bool(enforcer.enforce(*(_value(part) for part in asked))) for asked, _ in published(example)]


def _value(part: Any) -> Any:
    return SimpleNamespace(**part) if isinstance(part, dict) else part


def by_us(example: dict[str, Any], imported: Imported) -> list[bool]:
    """What the compiled policy answers."""
    lines = imported.lines
    policy = Policy(
        imported.roles, SHOP, lines.rules, lines.inheritance, assignments=lines.assignments, resources=lines.resources
    )
    snapshot = compile_policy(policy, 1)
    names = [part.strip() for part in _definition(example).split(",")]
    answers = []
    for asked, _ in published(example):
        given = dict(zip(names, asked, strict=True))
        request = _request(given, imported)
        answers.append(decide(request, snapshot).effect is Effect.ALLOW)
    return answers


def _definition(example: dict[str, Any]) -> str:
    (line,) = [line for line in example["model_text"].splitlines() if line.replace(" ", "").startswith("r=")]
    return line.partition("=")[2]


def _request(given: dict[str, str], imported: Imported) -> AccessRequest:
    """The request as a gateway would ask it: a subject who is a role's name is somebody who holds that role."""
    name, path = given.get("sub", "somebody"), given.get("obj", "/anything")
    is_person = any(each.subject == name for each in imported.lines.assignments)
    roles = frozenset() if is_person or name not in imported.roles else frozenset({name})
    method = {"read": "GET", "write": "POST"}.get(given["act"], given["act"])
    subject = Subject(name, given.get("dom", ""), roles, authenticated_at=MONDAY_NOON)
    path = path if path.startswith("/") else f"/{path}"
    return AccessRequest(subject, Facts(), "shop", method, path, MONDAY_NOON)


@pytest.mark.parametrize("example", ALL)
def test_the_reference_enforcer_gives_the_published_results(example: dict[str, Any]) -> None:
    expected = [result for _, result in published(example)]
    assert (answers_of_casbin(example) == expected) is ("differs" not in example), example.get("differs")


def answers_of_casbin(example: dict[str, Any]) -> list[bool] | None:
    """None: the stock enforcer cannot be asked."""
    try:
        return by_casbin(example)
    except Exception:
        return None


@pytest.mark.parametrize("example", ALL)
def test_what_is_taken_over_gives_the_published_results(example: dict[str, Any]) -> None:
    imported = taken_over(example)
    if isinstance(imported, str):
        return  # the page says why, and a test below holds it to that
    assert by_us(example, imported) == [expected for _, expected in published(example)]


def test_the_page_is_what_they_give() -> None:
    from tests.policy import casbin_table

    assert casbin_table.PAGE.read_text(encoding="utf-8") == casbin_table.page(), (
        "run `python -m tests.policy.casbin_table`"
    )
