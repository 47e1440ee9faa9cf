"""A decision that stands is the one that would be made anew: held against deciding every time."""

from __future__ import annotations

import ipaddress
import weakref
from datetime import UTC, datetime
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from config.places import Places
from config.settings import Settings
from gateway.callers.caller import Caller
from gateway.callers.identity import Identity
from gateway.decision.judge import DECISIONS_KEPT, Judge
from gateway.routes.route_table import Mode, Route
from gateway.routes.route_table import Zone as RouteZone
from policy.artefact import Organisation, Policy, Rule, RuleEffect, Zone
from policy.decide import decide_anew
from policy.overlay.measure import Kind, Measure, Ordered, Target, measure_of
from policy.overlay.overlay import NOTHING, Granted, Overlay
from policy.overlay.ranges import Listed
from policy.request import AccessRequest, DeviceTrust, Elevated, MeasureEffect, Subject
from policy.snapshot import Snapshot, compile_policy

NOON = 1_767_581_400.0
NETWORKS = ((ipaddress.ip_network("127.0.0.0/8"), "loopback"),)
PLACES = Places.load(Settings())
PATHS = ("/", "/orders", "/hours", "/risk", "/strict", "/books")
ADDRESSES = ("127.0.0.1", "192.0.2.7")
versions = count(1)


def ordered(kind: str, value: str, effect: str, seconds: int) -> Measure:
    target = Target(Kind(kind), value)
    made = Ordered(
        target=target, effect=MeasureEffect(effect), seconds=seconds, why="a test", points=30 * (effect == "risk")
    )
    return measure_of(made, ident=f"{kind}-{effect}", by="u-admin", at=datetime.fromtimestamp(NOON, UTC))


ORDERS: dict[str, tuple[tuple[Granted, ...], tuple[Measure, ...]]] = {
    "elevated": ((Granted("u-1", "org-1", Elevated("e-1", "auditor", NOON + 300)),), ()),
    "denied": ((), (ordered("person", "u-1", "deny", 60),)),
    "riskier": ((), (ordered("address", "127.0.0.0/8", "risk", 900),)),
    "asked": ((), (ordered("device", "d", "step_up", 2400),)),
}
"""What may stand above the policy, each over at a time of its own."""


def snapshot(closed: str | None) -> Snapshot:
    """A policy with conditions on time, age, network and risk; `closed` is denied to everybody."""
    rules = [
        Rule("hours", 20, "customer", "shop", "/hours", RuleEffect.ALLOW, condition="hour >= 9 and hour < 12"),
        Rule("fresh", 20, "customer", "shop", "/orders", RuleEffect.ALLOW, condition="auth_age < 600"),
        Rule("risk", 20, "customer", "shop", "/risk", RuleEffect.ALLOW, condition="risk < 40"),
        Rule("strict", 20, "customer", "shop", "/strict", RuleEffect.ALLOW, condition="network == 'loopback'"),
        Rule("books", 20, "auditor", "shop", "/books", RuleEffect.ALLOW),
        Rule("home", 20, "customer", "shop", "/", RuleEffect.ALLOW),
    ]
    if closed:
        rules.append(Rule("closed", 10, "customer", "shop", closed, RuleEffect.DENY))
    policy = Policy(
        roles=("auditor", "customer"),
        zones=(Zone("shop", max_age=3000),),
        rules=tuple(rules),
        organisations={"*": Organisation(time_zone="Asia/Seoul")},
    )
    return compile_policy(policy, next(versions))


def identity(assurance: int, authenticated_at: float) -> Identity:
    subject = Subject("u-1", "org-1", frozenset({"customer"}), assurance, authenticated_at)
    return Identity(
        sid="s",
        subject=subject,
        device_id="d",
        device_trust=DeviceTrust.KNOWN,
        roles=("auditor", "customer"),
        acr="urn:munjigi:acr:1",
        client_id="c",
        issued_at=NOON,
        expires_at=NOON + 300,
    )


def route() -> Route:
    return Route(
        "shop.localhost", "/", RouteZone("shop"), "commerce", Mode.BOTH, websocket=False, public=False, act=False
    )


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(PATHS), st.sampled_from(ADDRESSES)),
        st.tuples(st.just("wait"), st.sampled_from((1.0, 60.0, 299.0, 900.0, 2400.0))),
        st.tuples(st.just("publish"), st.one_of(st.none(), st.sampled_from(PATHS))),
        st.tuples(st.just("refresh"), st.sampled_from((1, 2))),
        st.tuples(st.just("order"), st.one_of(st.none(), st.sampled_from(sorted(ORDERS)))),
        st.tuples(st.just("feed"), st.one_of(st.none(), st.sampled_from(ADDRESSES))),
    ),
    max_size=40,
)


@given(steps)
def test_what_stands_is_what_would_be_decided_now(steps: list[tuple[object, ...]]) -> None:
    judge, now = Judge(NETWORKS, PLACES), NOON
    judge.snapshot = snapshot(None)
    caller = Caller(identity(1, NOON - 30))
    for kind, *given_ in steps:
        if kind == "ask":
            path, address = str(given_[0]), str(given_[1])
            answered = judge.decide(caller, route(), "GET", path, address, "", now).decision
            facts = judge.facts.find(caller, address, "")
            request = AccessRequest(caller.identity.subject, facts, "shop", "GET", path, now)
            anew = decide_anew(request, judge.snapshot, judge.overlay)
            for name in ("effect", "reasons", "winner", "risk", "version", "elevations", "measures"):
                assert getattr(answered, name) == getattr(anew, name)
        elif kind == "wait":
            assert isinstance(given_[0], float)
            now += given_[0]
        elif kind == "publish":
            judge.snapshot = snapshot(given_[0] if isinstance(given_[0], str) else None)
        elif kind == "order":
            judge.overlay = NOTHING if given_[0] is None else Overlay(*ORDERS[str(given_[0])])
        elif kind == "feed":
            feeds = None if given_[0] is None else {"feed": Listed([ipaddress.ip_network(str(given_[0]))])}
            judge.use_feeds(feeds)
        else:
            assert isinstance(given_[0], int)
            caller.become(identity(given_[0], now))


def test_a_decision_is_made_once_while_nothing_changes() -> None:
    judge, caller = Judge(NETWORKS, PLACES), Caller(identity(1, NOON))
    judge.snapshot = snapshot(None)
    first = judge.decide(caller, route(), "GET", "/", "127.0.0.1", "", NOON)
    assert judge.decide(caller, route(), "GET", "/", "127.0.0.1", "", NOON + 1) is first
    assert judge.decide(caller, route(), "GET", "/", "127.0.0.1", "", first.decision.stands_until) is not first


def test_a_clock_that_ran_backwards_finds_nothing_standing() -> None:
    judge, caller = Judge(NETWORKS, PLACES), Caller(identity(1, NOON))
    judge.snapshot = snapshot(None)
    first = judge.decide(caller, route(), "GET", "/", "127.0.0.1", "", NOON)
    assert judge.decide(caller, route(), "GET", "/", "127.0.0.1", "", NOON - 1) is not first


def test_whoever_asks_for_ever_new_paths_grows_nothing() -> None:
    judge, caller = Judge(NETWORKS, PLACES), Caller(identity(1, NOON))
    judge.snapshot = snapshot(None)
    for number in range(3 * DECISIONS_KEPT):
        judge.decide(caller, route(), "GET", f"/{number}", "127.0.0.1", "", NOON)
    assert len(caller.standing) <= DECISIONS_KEPT


def test_long_paths_leave_nothing_behind() -> None:
    judge = Judge(NETWORKS, PLACES)
    judge.snapshot = snapshot(None)
    caller = Caller(identity(1, NOON))
    route = Route("a", "/", RouteZone("shop"), "u", Mode.BOTH, False, False, False)
    judge.decide(caller, route, "GET", "/" + "a" * 5000, "127.0.0.1", "", NOON)
    assert not caller.standing


def test_an_allow_at_the_very_last_moment_of_an_age_does_not_stand() -> None:
    """The zone takes an authentication of 3000 seconds ago, and of no second more."""
    judge = Judge(NETWORKS, PLACES)
    judge.snapshot = snapshot(None)
    caller = Caller(identity(1, NOON))
    route = Route("a", "/", RouteZone("shop"), "u", Mode.BOTH, False, False, False)
    decided = [
        judge.decide(caller, route, "GET", "/", "127.0.0.1", "", NOON + age).decision.effect for age in (3000, 3000.5)
    ]
    asked = AccessRequest(
        caller.identity.subject, judge.facts.find(caller, "127.0.0.1", ""), "shop", "GET", "/", NOON + 3000.5
    )
    assert decided[1] is decide_anew(asked, judge.snapshot).effect


def test_a_policy_that_was_replaced_is_let_go_of() -> None:
    """Whoever asked once, and never again, keeps no policy that decided then."""
    judge, callers = Judge(NETWORKS, PLACES), [Caller(identity(1, NOON)) for _ in range(20)]
    former = []
    for caller in callers:
        judge.snapshot = snapshot(None)
        former.append(weakref.ref(judge.snapshot))
        judge.decide(caller, route(), "GET", "/", "127.0.0.1", "", NOON)
        judge.decide(None, route(), "GET", "/", "127.0.0.1", "", NOON)
    assert all(caller.standing for caller in callers)
    assert [one() for one in former] == [None] * (len(former) - 1) + [judge.snapshot]
