"""Policies as documents: Casbin lines, the canonical form, the tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text

from policy import artefact, casbin_lines, demo
from policy.artefact import Policy
from policy.casbin_lines import RULE_FIELDS, WrongLines
from policy.storage.tables import metadata
from tests.policy.samples import policy, rule
from tests.policy.strategies import policies
from tests.policy.test_versions import Databases


@given(policies())
def test_lines_give_back_what_was_written(given_policy: Policy) -> None:
    lines = casbin_lines.read(casbin_lines.of_policy(given_policy))
    assert set(lines.rules) == set(given_policy.rules)
    assert set(lines.inheritance) == set(given_policy.inheritance)
    assert lines.assignments == given_policy.assignments
    assert lines.resources == given_policy.resources


def test_commas_and_quotes_in_a_condition_stay_a_condition() -> None:
    condition = '"country in [""KR"", ""JP""] and risk < 5"'
    line = f"p, 1, a, customer, *, shop, /**, GET|POST, {condition}, allow, mask:phone|read_only"
    (read,) = casbin_lines.read(line).rules
    assert read.condition == 'country in ["KR", "JP"] and risk < 5'
    assert (read.methods, read.obligations) == (("GET", "POST"), ("mask:phone", "read_only"))


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("p, 1, a, customer, *, shop, /**, GET, , allow", "has 10 values"),
        ("p, -1, a, customer, *, shop, /**, GET, , allow,", "priority"),
        ("p, ², a, customer, *, shop, /**, GET, , allow,", "priority"),
        ("p, 1, a, customer, *, shop, /**, GET, , permit,", "permit"),
        ("p, 1, a, customer, *, shop, /**, get, , allow,", "methods"),
        ("p, 1, a, customer, *, shop, /**, , , allow,", "methods"),
        ("p, 1, a, customer, *, shop, /**, GET, , allow, sudo", "obligations"),
        ("p, 1, a b, customer, *, shop, /**, GET, , allow,", "id"),
        ("p, 1, a, customer, *, shop, /**, GET, '1 == 1', allow,", "understood"),
        ("g, customer, anonymous", "has 3 values"),
        ("p2, 1", "begins with"),
        ("=cmd, 1", "begins with"),
    ],
)
def test_a_wrong_line_is_refused_and_says_why(line: str, about: str) -> None:
    with pytest.raises(WrongLines, match=about) as refused:
        casbin_lines.read(f"# a comment\n\n{line}\n")
    assert [error.line for error in refused.value.errors] == [3]


def test_an_id_stands_once() -> None:
    line = "p, 1, a, customer, *, shop, /**, GET, , allow,\n"
    with pytest.raises(WrongLines, match="line 1 already"):
        casbin_lines.read(line * 2)


def test_the_model_names_the_fields_of_a_line_in_their_order() -> None:
    model = (demo.SHIPPED / "model.conf").read_text(encoding="utf-8")
    (definition,) = [line for line in model.splitlines() if line.startswith("p = ")]
    renamed = {"dom": "organisation", "cond": "condition", "eft": "effect"}
    named = [name.strip() for name in definition.removeprefix("p = ").split(",")]
    assert tuple(renamed.get(name, name) for name in named) == RULE_FIELDS


@given(policies(), st.randoms())
def test_the_canonical_form_does_not_depend_on_the_order_of_rules(given_policy: Policy, chance: object) -> None:
    encoded = artefact.encode(given_policy)
    shuffled = list(given_policy.rules)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # random.Random
    again = replace(
        given_policy,
        rules=tuple(shuffled),
        zones=given_policy.zones[::-1],
        assignments=given_policy.assignments[::-1],
        resources=given_policy.resources[::-1],
    )
    assert artefact.encode(again) == encoded
    assert artefact.encode(artefact.decode(encoded)) == encoded


@pytest.mark.parametrize(
    "wrong",
    [b"", b"{}", b"[]", b'{"roles":[],"zones":[],"rules":[],"more":1}', b"[" * 100_000, b'"\xff"', b"null"],
)
def test_what_is_no_policy_is_not_read(wrong: bytes) -> None:
    with pytest.raises(artefact.UnreadableArtefact):
        artefact.decode(wrong)


def test_names_are_plain() -> None:
    encoded = artefact.encode(policy(rule("a")))
    for name in ("a b", "а", "a\n", "*" * 2, "x" * 200, ""):
        with pytest.raises(artefact.UnreadableArtefact):
            artefact.decode(encoded.replace(b'"customer"', artefact.msgspec.json.encode(name)))


async def test_the_tables_are_those_of_the_migrated_schema(database: Databases) -> None:
    query = text(
        "SELECT table_name, column_name, is_nullable FROM information_schema.columns "
        "WHERE table_schema = 'policy' AND table_name <> 'elevation_news'"  # read by the identity provider alone
    )
    async with database("owner").connect() as tx:
        found = {(row.table_name, row.column_name, row.is_nullable == "YES") for row in await tx.execute(query)}
    declared = {
        (table.name, column.name, bool(column.nullable))
        for table in metadata.tables.values()
        for column in table.columns
    }
    assert found == declared
