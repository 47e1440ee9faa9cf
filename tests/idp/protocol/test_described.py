"""What is described of APIs, as rules: whose scopes are whose, for whom, for how long, by case and by whatever else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.access_token import AUDIENCE
from idp.protocol.described import NOTHING_DESCRIBED, Described, InvalidScope, Party, ScopeLimits
from idp.protocol.resource import InvalidTarget

ORDERS, STOCK, NOBODYS = "https://orders.example/api", "https://stock.example/", "https://nobodys.example/"
BOTH: frozenset[Party] = frozenset({"people", "programs"})
LIFETIMES = {ORDERS: 60, STOCK: 120, AUDIENCE: None}
SCOPES = {
    "orders.read": ScopeLimits(resource=ORDERS, parties=BOTH),
    "orders.mine": ScopeLimits(resource=ORDERS, parties=frozenset({"people"})),
    "orders.all": ScopeLimits(resource=ORDERS, parties=frozenset({"programs"})),
    "stock": ScopeLimits(resource=STOCK, parties=BOTH),
    "house": ScopeLimits(resource=AUDIENCE, parties=BOTH),
}
LENIENT = Described(lifetimes=LIFETIMES, scopes=SCOPES, strict=False)
STRICT = Described(lifetimes=LIFETIMES, scopes=SCOPES, strict=True)
NAMES = st.lists(st.sampled_from([*SCOPES, "openid", "email", "nobodys"]), unique=True)
TARGETS = st.lists(st.sampled_from([ORDERS, STOCK, NOBODYS, AUDIENCE]), unique=True)


@pytest.mark.parametrize(
    ("scope", "targets", "party", "said"),
    [
        ("orders.read", [ORDERS], "people", None),
        ("orders.read", [STOCK, ORDERS], "programs", None),
        ("openid", [ORDERS], "people", None),
        ("nobodys", [ORDERS], "people", None),
        ("house", [], "people", None),
        ("stock", [ORDERS], "people", "stock is a scope of another resource"),
        ("orders.read", [], "people", "orders.read is a scope of another resource"),
        ("house", [ORDERS], "people", "house is a scope of another resource"),
        ("orders.mine", [ORDERS], "programs", "orders.mine is not for programs"),
        ("orders.all", [ORDERS], "people", "orders.all is not for people"),
    ],
)
def test_a_scope_is_of_its_resource_and_for_whom_it_is_for(
    scope: str, targets: list[str], party: Party, said: str | None
) -> None:
    assert LENIENT.fitting((scope,), targets, party) == (() if said else (scope,))
    if said is None:
        LENIENT.check((scope,), targets, party)
        return
    with pytest.raises(InvalidScope, match=f"^{said}$"):
        LENIENT.check(("openid", scope), targets, party)


@given(NAMES, TARGETS, st.sampled_from(["people", "programs"]), st.booleans())
def test_what_is_refused_is_what_does_not_fit(scope: list[str], targets: list[str], party: Party, strict: bool) -> None:
    described = STRICT if strict else LENIENT
    fitting = described.fitting(scope, targets, party)
    assert [name for name in scope if name in fitting] == list(fitting)
    assert all(SCOPES[name].resource in (targets or [AUDIENCE]) for name in fitting if name in SCOPES)
    assert all(party in SCOPES[name].parties for name in fitting if name in SCOPES)
    assert {"openid", "email"} & set(scope) <= set(fitting)
    assert ("nobodys" in fitting) == ("nobodys" in scope and not strict)
    if list(fitting) == scope:
        described.check(scope, targets, party)
    else:
        with pytest.raises(InvalidScope):
            described.check(scope, targets, party)


@given(NAMES, TARGETS)
def test_where_nothing_is_described_nothing_is_limited(scope: list[str], targets: list[str]) -> None:
    for party in BOTH:
        assert NOTHING_DESCRIBED.fitting(scope, targets, party) == tuple(scope)
    assert NOTHING_DESCRIBED.targets(targets, targets, scope) == tuple(targets)
    assert NOTHING_DESCRIBED.lifetime(targets) is None


def test_whoever_names_no_resource_means_the_one_of_the_scopes() -> None:
    allowed = (ORDERS, STOCK)
    assert LENIENT.targets((), allowed, ("openid", "orders.read", "orders.mine")) == (ORDERS,)
    assert LENIENT.targets((), allowed, ("openid", "nobodys")) == ()
    assert LENIENT.targets((), allowed, ("house", "openid")) == ()
    assert LENIENT.targets((STOCK,), allowed, ("orders.read",)) == (STOCK,), "what is named is what is meant"
    for scope in (("orders.read", "stock"), ("orders.read", "house")):
        with pytest.raises(InvalidTarget, match="missing"):
            LENIENT.targets((), allowed, scope)
    with pytest.raises(InvalidTarget, match="this client may not"):
        LENIENT.targets((), (STOCK,), ("orders.read",))


def test_under_strict_nobody_has_what_nobody_described() -> None:
    allowed = (ORDERS, NOBODYS)
    assert LENIENT.targets((NOBODYS,), allowed, ()) == (NOBODYS,)
    with pytest.raises(InvalidTarget, match="nobody has described"):
        STRICT.targets((ORDERS, NOBODYS), allowed, ())
    assert STRICT.targets((ORDERS, AUDIENCE), allowed, ()) == (ORDERS, AUDIENCE)
    with pytest.raises(InvalidScope, match="nobody has described nobodys"):
        STRICT.check(("nobodys",), (), "people")
    undescribed = Described(lifetimes={}, scopes={}, strict=True)
    assert undescribed.known((AUDIENCE,)) == (AUDIENCE,), "the house's own services are always there"


def test_the_shortest_lifetime_wins() -> None:
    assert LENIENT.lifetime((STOCK,)) == 120
    assert LENIENT.lifetime((STOCK, ORDERS)) == 60
    assert LENIENT.lifetime((AUDIENCE, STOCK)) == 120
    assert LENIENT.lifetime((AUDIENCE, NOBODYS)) is None
