"""Single changes to a policy, and many at once."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from policy import artefact
from policy.amend import (
    AlreadyThere,
    Change,
    Inherited,
    NotThere,
    PutAssignment,
    PutRole,
    PutRule,
    RemoveAssignment,
    RemoveRole,
    RemoveRule,
    Role,
    amended,
    assignment_id,
    assignment_of,
    roles_of,
)
from policy.artefact import Assignment, Inheritance, Policy
from tests.policy.samples import policy, rule
from tests.policy.strategies import policies

ANN = Assignment("u-ann", "clerk")
BASE = msgspec.structs.replace(
    policy(rule("a"), rule("b"), roles=("clerk", "boss"), inheritance=(Inheritance("boss", "clerk"),)),
    assignments=(ANN,),
)


def test_what_is_put_is_there_and_what_is_removed_is_not() -> None:
    changed = msgspec.structs.replace(rule("a"), path="/elsewhere")
    done = amended(
        BASE,
        [
            PutRule(changed),
            RemoveRule("b"),
            PutRule(rule("c")),
            PutRole(Role("boss", (Inherited("clerk", "org-1"),))),
            PutRole(Role("guest")),
            PutAssignment(Assignment("u-bo", "boss", "org-1")),
            RemoveAssignment(ANN),
        ],
    )
    assert {one.id: one.path for one in done.rules} == {"a": "/elsewhere", "c": rule("c").path}
    assert set(done.roles) == {"clerk", "boss", "guest"}
    assert done.inheritance == (Inheritance("boss", "clerk", "org-1"),)
    assert done.assignments == (Assignment("u-bo", "boss", "org-1"),)
    assert done.zones == BASE.zones


@pytest.mark.parametrize("change", [RemoveRule("z"), RemoveRole("z"), RemoveAssignment(Assignment("u-ann", "boss"))])
def test_what_is_not_there_is_not_removed(change: Change) -> None:
    with pytest.raises(NotThere):
        amended(BASE, [change])


@pytest.mark.parametrize("change", [PutRule(rule("a")), PutRole(Role("boss")), PutAssignment(ANN)])
def test_what_must_be_new_is_not_replaced(change: Change) -> None:
    with pytest.raises(AlreadyThere):
        amended(BASE, [change], new=True)
    assert amended(BASE, [change])


def test_removing_a_role_leaves_what_names_it_to_lint() -> None:
    done = amended(BASE, [RemoveRole("clerk")])
    assert done.roles == ("boss",)
    assert done.inheritance == BASE.inheritance
    assert done.assignments == BASE.assignments


@given(policies())
def test_without_a_change_it_is_the_same_policy(given_policy: Policy) -> None:
    assert artefact.encode(amended(given_policy, ())) == artefact.encode(given_policy)
    put = [*map(PutRole, roles_of(given_policy)), *map(PutRule, given_policy.rules)]
    assert artefact.encode(amended(given_policy, put)) == artefact.encode(given_policy)


@pytest.mark.parametrize("assignment", [ANN, Assignment("client:ci", "a.b", "org-1"), Assignment("group:x", "r@h")])
def test_an_id_names_one_assignment(assignment: Assignment) -> None:
    assert assignment_of(assignment_id(assignment)) == assignment


@pytest.mark.parametrize("ident", ["", "a", "a~", "~b", "a b~c", "a~b~ "])
def test_what_is_no_id_names_none(ident: str) -> None:
    with pytest.raises(NotThere):
        assignment_of(ident)


def test_an_id_of_too_many_parts_names_none() -> None:
    with pytest.raises(NotThere):
        assignment_of("a~b~c~d")
