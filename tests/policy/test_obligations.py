"""Several obligations come to the smallest privilege, in whatever order they come."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import casbin_lines
from policy.artefact import Obligation, RuleEffect
from policy.obligations import methods_left, narrowest, permits, scopes_left
from tests.policy.samples import rule

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
some = st.one_of(
    st.sampled_from(["read_only", "mask:phone", "mask:name"]),
    st.integers(1, 60).map("limit:{}".format),
    st.sets(st.sampled_from(METHODS), min_size=1).map(lambda methods: "methods:" + "|".join(sorted(methods))),
    st.sets(st.sampled_from(["a", "b:read", "c"]), min_size=1).map(lambda names: "scopes:" + "|".join(sorted(names))),
)
sets = st.lists(some, max_size=6)


@pytest.mark.parametrize(
    ("several", "together"),
    [
        (("mask:phone", "limit:10", "mask:phone"), ("mask:phone", "limit:10")),
        (("limit:100", "read_only", "limit:20"), ("limit:20", "read_only")),
        (("methods:GET|HEAD|POST", "methods:POST|GET"), ("methods:GET|POST",)),
        (("methods:GET", "methods:POST"), ("methods:",)),
        (("scopes:a|b", "mask:x", "scopes:b|c"), ("scopes:b", "mask:x")),
        (("scopes:a", "scopes:b"), ("scopes:",)),
        (("limit:many", "limit:5"), ("limit:many",)),
    ],
)
def test_the_smallest_privilege_holds(several: tuple[str, ...], together: tuple[str, ...]) -> None:
    assert narrowest(several) == together


@given(sets, sets)
def test_more_obligations_never_leave_more(some_of_them: list[str], others: list[str]) -> None:
    few, all_of_them = narrowest(some_of_them), narrowest([*others, *some_of_them])
    assert {method for method in METHODS if permits(all_of_them, method)} <= {
        method for method in METHODS if permits(few, method)
    }
    left = scopes_left(few)
    if left is not None:
        assert (scopes_left(all_of_them) or frozenset()) <= left
    assert {one for one in few if one.startswith("mask:")} <= set(all_of_them)
    limits = [int(one.removeprefix("limit:")) for one in some_of_them if one.startswith("limit:")]
    if limits:
        (lowest,) = [int(one.removeprefix("limit:")) for one in all_of_them if one.startswith("limit:")]
        assert lowest <= min(limits)


@given(sets)
def test_together_they_mean_what_each_of_them_means(several: list[str]) -> None:
    for method in METHODS:
        assert permits(narrowest(several), method) is all(permits([one], method) for one in several)


def test_what_is_left_is_told() -> None:
    assert methods_left(("methods:GET|POST", "read_only")) == ("GET",)
    assert methods_left(("read_only",)) == ("GET", "HEAD", "OPTIONS")
    assert methods_left(("methods:",)) == ()
    assert scopes_left(("mask:x",)) is None
    assert scopes_left(("scopes:",)) == frozenset()


@pytest.mark.parametrize(
    "wrong",
    ["methods:", "methods:get", "methods:GET|", "scopes:", "scopes:a b", "scopes:mask:x", "scopes:a|read_only", "all"],
)
def test_an_obligation_that_could_be_read_in_two_ways_is_none(wrong: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Obligation)


def test_obligations_of_several_values_are_lines_of_casbin_and_back() -> None:
    given = rule(
        "r", effect=RuleEffect.REDUCE, obligations=("methods:GET|HEAD", "read_only", "scopes:a|b:read", "mask:x")
    )
    line = casbin_lines.write((given,), ())
    assert casbin_lines.read(line).rules == (given,)
    with pytest.raises(casbin_lines.WrongLines):
        casbin_lines.read(line.replace("read_only", "write_only"))
