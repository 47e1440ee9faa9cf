"""Rules of cohorts: asked of one person, and of everybody by SQL, they say the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from config.connections import Database
from config.sections.engines import Role
from idp.directory.account import Organisation
from idp.rollout.cohorts import (
    MOBILE_SYSTEMS,
    SYSTEMS,
    All,
    AnyOf,
    AtRisk,
    BelongsTo,
    Everybody,
    Facts,
    HasRole,
    Not,
    OneOf,
    Rule,
    Share,
    SignsInOn,
    UnusableRule,
    Uses,
    belongs,
    bucket,
    check_rule,
    within,
)
from idp.storage import directory
from idp.storage.account_tables import sign_in_history
from idp.storage.directory_tables import password, totp, user_account
from idp.storage.rollout_cohorts import condition, facts
from tests.idp.people import HOUSE, add_person
from tests.idp.rollout.values import NOW

OpenDatabase = Callable[[Role], Database]
OTHER = UUID("00000000-0000-4000-8000-0000000000bb")
ROLES = ("administrator", "finance", "customer")
CLIENTS = ("shop", "console")


def rules(people: tuple[UUID, ...]) -> st.SearchStrategy[Rule]:
    """Any rule, of few levels."""
    leaves: st.SearchStrategy[Rule] = st.one_of(
        st.just(Everybody()),
        st.builds(lambda one: HasRole(one), st.sets(st.sampled_from(ROLES), min_size=1).map(tuple)),
        st.sampled_from((HOUSE, OTHER)).map(BelongsTo),
        st.sets(
            st.sampled_from(("administrator", "legacy_hash", "no_second_factor", "recent_failures")), min_size=1
        ).map(lambda risks: AtRisk(tuple(risks))),  # type: ignore[arg-type] # of the vocabulary
        st.builds(SignsInOn, st.sampled_from(("mobile", "desktop", None)), st.just(("iPhone",))),
        st.sets(st.sampled_from(CLIENTS), min_size=1).map(lambda some: Uses(tuple(some))),
        st.builds(Share, st.integers(0, 100), st.sampled_from(("", "a"))),
        st.sets(st.sampled_from(people)).map(lambda some: OneOf(tuple(some))),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda of: All(tuple(of))),
            st.lists(inner, max_size=3).map(lambda of: AnyOf(tuple(of))),
            inner.map(Not),
        ),
        max_leaves=6,
    )


async def crowd(database: Database, chance: Random) -> tuple[UUID, ...]:
    """People of every kind."""
    people = []
    async with database.begin() as tx:
        for number in range(24):
            roles = tuple(role for role in ROLES if chance.random() < 0.4) or ("customer",)
            account = await add_person(tx, f"p{number}", roles=roles)
            people.append(account.id)
            if chance.random() < 0.3:
                other = Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None)
                await directory.put_organisation(tx, other, NOW)
                await directory.put_membership(tx, account.id, OTHER, ("administrator",), NOW)
            hashed = chance.choice(("$argon2id$x", "wrapped ldap x", "kept bcrypt x", None))
            if hashed is not None:
                await tx.execute(insert(password).values(user_id=account.id, hash=hashed, changed_at=NOW))
            if chance.random() < 0.5:
                confirmed = NOW if chance.random() < 0.7 else None
                await tx.execute(
                    insert(totp).values(
                        id=uuid4(), user_id=account.id, sealed_secret=b"x", label="x", last_accepted_step=0,
                        created_at=NOW, confirmed_at=confirmed,
                    )
                )  # fmt: skip
            for _ in range(chance.randrange(9)):
                outcome = chance.choice(("failed", "failed", "failed", "signed_in", "taken_over", "kept"))
                await tx.execute(
                    insert(sign_in_history).values(
                        id=uuid4(), user_id=account.id, at=NOW - timedelta(days=chance.choice((1, 10, 29, 60, 120))),
                        outcome=outcome, amr=["pwd"], device_label=chance.choice(
                            ("Edge · Windows", "Safari · iPhone", "iPhone", "Chrome", "", "My iPhone", "Whale · macOS")
                        ), browser="x", place="", network="", ip="127.0.0.1", client_id=chance.choice(CLIENTS),
                    )
                )  # fmt: skip
    return tuple(people)


async def test_sql_says_of_everybody_what_the_rules_say_of_one(database: OpenDatabase) -> None:
    idp = database("idp")
    people = await crowd(idp, Random(7))
    made = rules(people)
    samples: list[Rule] = []

    @settings(
        max_examples=60,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(made)
    def collect(rule: Rule) -> None:
        samples.append(rule)

    collect()
    async with idp.connect() as tx:
        known = [await facts(tx, HOUSE, one, NOW) for one in people]
        hits = 0
        for rule in samples:
            query = select(user_account.c.id).where(condition(rule, HOUSE, NOW))
            by_sql = set((await tx.execute(query)).scalars())
            by_rule = {one.user_id for one in known if belongs(rule, one)}
            assert by_sql == by_rule, rule
            hits += 0 < len(by_rule) < len(people)
    assert hits > 10, "most rules must tell people apart, or nothing was compared"


@given(st.uuids(), st.integers(0, 100), st.integers(0, 100), st.text(max_size=5))
def test_whoever_is_of_a_smaller_share_is_of_a_larger_one(person: UUID, one: int, other: int, salt: str) -> None:
    smaller, larger = sorted((one, other))
    assert not within(smaller, salt, person) or within(larger, salt, person)
    assert within(100, salt, person)
    assert not within(0, salt, person)


def test_a_share_is_as_large_as_it_says_and_another_salt_chooses_others() -> None:
    people = [UUID(int=number, version=4) for number in range(4000)]
    tenth = {one for one in people if within(10, "a", one)}
    assert 320 < len(tenth) < 480
    assert len(tenth & {one for one in people if within(10, "b", one)}) < 100
    assert bucket("", UUID(int=0)) == 8252  # as it was once: nobody moves to another part by a new version


@pytest.mark.parametrize(
    "rule",
    [
        SignsInOn(systems=("Symbian",)),
        SignsInOn(),
        AnyOf((Everybody(),) * 300),
    ],
)
def test_rules_that_cannot_be_used(rule: Rule) -> None:
    with pytest.raises(UnusableRule):
        check_rule(rule)


def test_a_rule_is_not_as_deep_as_somebody_likes() -> None:
    rule: Rule = Everybody()
    for _ in range(7):
        rule = Not(rule)
    check_rule(rule)
    with pytest.raises(UnusableRule):
        check_rule(Not(rule))


def test_a_rule_is_read_from_a_document_and_nothing_strange_in_it() -> None:
    mobile = {"type": "platform", "platform": "mobile"}
    document = {"type": "all", "of": [{"type": "role", "roles": ["finance"]}, mobile]}
    assert msgspec.convert(document, Rule) == All((HasRole(("finance",)), SignsInOn("mobile")))
    for wrong in ({"type": "nobody"}, {"type": "everybody", "more": 1}, {"type": "role", "roles": []}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, Rule)


def test_mobile_is_a_part_of_all_systems() -> None:
    assert set(MOBILE_SYSTEMS) < set(SYSTEMS)
    person = Facts(
        user_id=UUID(int=1),
        roles=frozenset(),
        organisations=frozenset(),
        legacy_hash=False,
        second_factor=False,
        failures=0,
        systems=frozenset({"iPad"}),
        clients=frozenset(),
    )
    assert belongs(SignsInOn("mobile"), person)
    assert not belongs(SignsInOn("desktop"), person)
