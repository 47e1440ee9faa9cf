"""A request that passed is passed again without taking every step; whatever changed in between is seen all the same."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from audit.segments import AuditUnavailable
from gateway.decision.decision_log import DecisionLog
from gateway.exchange import Answer, Forward, RequestHead, Verdict
from gateway.passed import KEPT, REPEATS, passed_before
from policy.artefact import Rule, RuleEffect
from policy.snapshot import compile_policy
from tests.gateway.limits.test_rates import overload
from tests.gateway.rig import POLICY, Rig, bearer, head


def again(first: RequestHead, path: str | None = None) -> RequestHead:
    """Another request with the very header fields of the first one, on its connection."""
    path = first.path.decode() if path is None else path
    other = head(path, method=first.method.decode(), headers=first.headers)
    other.notes = first.notes
    return other


async def passes(rig: Rig, path: str = "/products", *, method: str = "GET", cookie: bool = False) -> RequestHead:
    """One that was let in, and again in the same way."""
    await rig.project()
    shown = (b"cookie", await rig.cookie()) if cookie else bearer(rig.token())
    first = head(path, method=method, headers=[shown])
    assert isinstance(await rig.ask(first), Forward)
    kept = passed_before(again(first))
    assert kept is not None
    assert rig.pipeline(again(first)) is kept.forward
    return first


def code(verdict: object) -> str:
    assert isinstance(verdict, Answer)
    return str(msgspec.json.decode(verdict.body)["code"])


def _full(_: object) -> None:
    raise AuditUnavailable


def _denied(rig: Rig) -> None:
    rule = Rule("closed", 5, "customer", "shop", "/products", RuleEffect.DENY)
    rig.judge.snapshot = compile_policy(msgspec.structs.replace(POLICY, rules=(rule, *POLICY.rules)), 2)


CHANGES: dict[str, tuple[Callable[[Rig], object], str]] = {
    "the session ended": (lambda rig: rig.session_event(state="ended", reason="administrator"), "MJ-GATEWAY-212"),
    "its token is revoked": (
        lambda rig: rig.session_event(revoked=[next(iter(rig.tokens._known.values())).identity.jti]),
        "MJ-GATEWAY-211",
    ),
    "its token expired": (lambda rig: (rig.clock.advance(300), rig.beat()), "MJ-GATEWAY-211"),
    "another policy": (_denied, "MJ-GATEWAY-216"),
    "nothing can be recorded": (
        lambda rig: setattr(rig.pipeline, "_log", DecisionLog(_full)),
        "MJ-GATEWAY-219",
    ),
    "too much to do": (lambda rig: overload(rig.limiting), "MJ-GATEWAY-152"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_the_next_one_sees_what_changed(rig: Rig, change: str) -> None:
    first = await passes(rig)
    make, expected = CHANGES[change]
    make(rig)
    assert code(await rig.ask(again(first))) == expected


async def test_where_another_token_of_the_session_is_revoked_it_passes_as_before(rig: Rig) -> None:
    first = await passes(rig)
    kept = passed_before(again(first))
    assert kept is not None
    rig.session_event(revoked=["another", "a-grant"])
    assert rig.pipeline(again(first)) is kept.forward


async def test_the_lease_is_asked_of_each(rig: Rig) -> None:
    first = await passes(rig, "/reservations", method="POST")
    rig.sessions.lease.drop(rig.clock.monotonic())
    assert code(await rig.ask(again(first))) == "MJ-GATEWAY-214"


async def test_another_table_and_other_keys_are_seen(rig: Rig) -> None:
    first = await passes(rig)
    verdict = rig.pipeline(again(first))
    rig.pipeline.use_table(rig.pipeline.table)
    assert await rig.ask(again(first)) is not verdict, "its token must be verified again"
    verdict = await rig.ask(again(first))
    rig.tokens.forget_all()
    assert await rig.ask(again(first)) is not verdict


async def test_a_cookie_session_that_ended_is_seen(rig: Rig) -> None:
    first = await passes(rig, cookie=True)
    (caller,) = rig.cookies.known()
    assert caller.cookie is not None
    rig.cookies.forget(caller.cookie)
    assert rig.cookies.find(caller.cookie, rig.clock.timestamp()) is None
    verdict = rig.pipeline(again(first))
    assert not isinstance(verdict, Forward), "it is read from its row"
    assert isinstance(await _of(verdict), Forward)


async def _of(verdict: object) -> Verdict:
    return await verdict  # type: ignore[misc, no-any-return] # a miss


async def test_each_is_recorded_and_counted_and_keeps_the_session_awake(rig: Rig) -> None:
    first = await passes(rig)
    records, hits = len(rig.heard.records), rig.sessions.hits
    another = again(first)
    rig.pipeline(another)
    assert len(rig.heard.records) == records + 1
    assert rig.heard.records[-1]["correlation_id"] == another.correlation_id
    assert {**rig.heard.records[-1], "at": 0} == {**rig.heard.records[-2], "at": 0}
    assert rig.sessions.hits == hits + 1
    assert (another.route, another.caller, another.effect) == (first.route, first.caller, first.effect)


async def test_it_is_worked_out_anew_by_the_clock_so_that_the_assertion_is_young(rig: Rig) -> None:
    first = await passes(rig)
    verdict = told = rig.pipeline(again(first))
    assert isinstance(told, Forward)
    for _ in range(40):
        rig.clock.advance(REPEATS)
        rig.beat()
        former, verdict = verdict, rig.pipeline(again(first))
        assert verdict is not former
    assert isinstance(verdict, Forward)
    assert verdict.add[0] != told.add[0]


async def test_what_is_remembered_of_a_client_is_bounded(rig: Rig) -> None:
    first = await passes(rig)
    for number in range(3 * KEPT):
        assert isinstance(rig.pipeline(again(first, f"/products/{number}")), Forward)
    assert len(first.notes["passed"]) <= KEPT
