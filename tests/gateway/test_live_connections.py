"""What lives on obeys: it ends with its session at once, and is decided again when a fact changes (S5)."""

from __future__ import annotations

import hashlib

import pytest

from gateway.decision.live_check import RENEWED_BY
from gateway.exchange import Forward, RequestHead
from gateway.routes.route_table import RouteTable
from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.snapshot import compile_policy
from tests.gateway.rig import Rig, bearer, head

ORIGIN = (b"origin", b"http://shop.localhost:8080")


class Connection:
    """A websocket."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def end(self, reason: str) -> None:
        self.reasons.append(reason)


async def opened(rig: Rig, request: RequestHead) -> Connection:
    verdict = await rig.ask(request)
    assert isinstance(verdict, Forward)
    assert verdict.opened is not None
    connection = Connection()
    verdict.opened(connection)
    return connection


async def websocket(rig: Rig) -> Connection:
    await rig.project()
    cookie = (b"cookie", await rig.cookie())
    return await opened(rig, head("/reservations/live", headers=[cookie, ORIGIN], upgrade=True))


async def test_a_websocket_ends_with_its_session(rig: Rig) -> None:
    connection = await websocket(rig)
    rig.session_event("another", state="ended")
    assert connection.reasons == []
    rig.session_event(state="ended")
    assert connection.reasons == ["takeover"]
    rig.session_event(state="ended", version=3)
    assert connection.reasons == ["takeover"]
    assert len(rig.live) == 0


async def test_one_that_closed_by_itself_is_forgotten(rig: Rig) -> None:
    await rig.project()
    verdict = await rig.ask(head("/products", headers=[bearer(rig.token())]))
    assert isinstance(verdict, Forward)
    assert verdict.opened is not None
    assert verdict.closed is not None
    connection = Connection()
    verdict.opened(connection)
    verdict.closed(connection)
    verdict.closed(connection)
    rig.session_event(state="ended")
    assert connection.reasons == []


async def test_a_session_that_ended_while_the_exchange_opened_ends_it(rig: Rig) -> None:
    await rig.project()
    verdict = await rig.ask(head("/products", headers=[bearer(rig.token())]))
    assert isinstance(verdict, Forward)
    assert verdict.opened is not None
    rig.session_event(state="ended")
    connection = Connection()
    verdict.opened(connection)
    assert connection.reasons == ["takeover"]


async def test_another_policy_decides_again(rig: Rig) -> None:
    connection = await websocket(rig)
    await rig.live_check.look()
    assert connection.reasons == []
    rig.judge.snapshot = compile_policy(
        Policy(
            roles=("customer",),
            zones=(Zone("shop"), Zone("reservation")),
            rules=(Rule("shop", 20, "customer", "shop", "/**", RuleEffect.ALLOW),),
        ),
        2,
    )
    await rig.live_check.look()
    assert connection.reasons == ["no_longer_allowed"]


async def test_other_obligations_need_another_exchange(rig: Rig) -> None:
    connection = await websocket(rig)
    rig.judge.snapshot = compile_policy(
        Policy(
            roles=("customer",),
            zones=(Zone("reservation"),),
            rules=(
                Rule("shrink", 1, "customer", "reservation", "/**", RuleEffect.REDUCE, obligations=("mask:phone",)),
                Rule("reserve", 30, "customer", "reservation", "/**", RuleEffect.ALLOW),
            ),
        ),
        2,
    )
    await rig.live_check.look()
    assert connection.reasons == ["decided_anew"]


async def test_other_roles_decide_again(rig: Rig) -> None:
    connection = await websocket(rig)
    rig.clock.advance(250)
    rig.beat()
    rig.will_answer(rig.token(roles=[]))
    await rig.refresh.refresh_expiring(rig.cookies.known(), rig.live.sessions())
    assert connection.reasons == ["no_longer_allowed"]


async def test_it_ends_exactly_when_its_session_is_over(rig: Rig) -> None:
    await rig.project(idle=100)
    cookie = (b"cookie", await rig.cookie())
    connection = await opened(rig, head("/reservations/live", headers=[cookie, ORIGIN], upgrade=True))
    rig.clock.advance(99.999)
    rig.beat()
    await rig.live_check.look()
    assert connection.reasons == []
    rig.clock.advance(0.001)
    rig.beat()
    await rig.live_check.look()
    assert connection.reasons == ["idle"]


async def test_one_of_a_token_ends_with_it(rig: Rig) -> None:
    await rig.project()
    connection = await opened(rig, head("/products", headers=[bearer(rig.token())]))
    rig.clock.advance(300)
    rig.beat()
    await rig.live_check.look()
    assert connection.reasons == ["token_expired"]


async def test_one_of_a_cookie_goes_on_without_the_provider_for_as_long_as_its_zone_says(rig: Rig) -> None:
    """A zone that takes no expired tokens of requests lets nothing live on by one, either (S9)."""
    reservation = await websocket(rig)
    shop = await opened(rig, head("/products", headers=[(b"cookie", await rig.cookie(secret="d" * 43))]))
    rig.clock.advance(300 + RENEWED_BY - 0.001)
    rig.beat()
    await rig.live_check.look()
    assert (reservation.reasons, shop.reasons) == ([], [])
    rig.clock.advance(0.001)
    await rig.live_check.look()
    assert (reservation.reasons, shop.reasons) == (["session_unknown"], [])
    rig.clock.advance(900)
    rig.beat()
    await rig.live_check.look()
    assert shop.reasons == ["session_unknown"]


async def test_one_of_a_token_that_is_revoked_alone_ends_at_once_and_the_others_go_on(rig: Rig) -> None:
    await rig.project()
    revoked = await opened(rig, head("/products", headers=[bearer(rig.token(jti="one"))]))
    other = await opened(rig, head("/products", headers=[bearer(rig.token(jti="other"))]))
    granted = await opened(rig, head("/products", headers=[bearer(rig.token(grant="a-grant"))]))
    rig.session_event(revoked=["one"])
    assert (revoked.reasons, granted.reasons, other.reasons) == (["token_revoked"], [], [])
    rig.session_event(version=3, revoked=["a-grant", "one"])
    assert (granted.reasons, other.reasons) == (["token_revoked"], [])


async def test_without_a_lease_it_ends_unless_the_zone_has_grace(rig: Rig) -> None:
    reservation = await websocket(rig)
    shop = await opened(rig, head("/products", headers=[bearer(rig.token())]))
    rig.clock.advance(1)
    await rig.live_check.look()
    assert (reservation.reasons, shop.reasons) == (["session_unknown"], [])
    rig.clock.advance(60)
    await rig.live_check.look()
    assert shop.reasons == ["session_unknown"]


async def test_what_a_reset_forgot_is_asked_again_and_lives_on(rig: Rig) -> None:
    connection = await websocket(rig)
    rig.sessions.reset()
    rig.beat()
    await rig.live_check.look()
    assert connection.reasons == []
    await rig.project(state="ended", version=2)
    rig.sessions.reset()
    rig.beat()
    await rig.live_check.look()
    assert connection.reasons == ["takeover"]


async def test_a_gap_that_is_mended_within_the_lease_costs_no_connection(rig: Rig) -> None:
    connection = await websocket(rig)
    rig.sessions.reset()
    await rig.live_check.watch_lease()
    await rig.live_check.look()
    assert connection.reasons == []
    rig.clock.advance(1)
    await rig.live_check.watch_lease()
    assert connection.reasons == ["session_unknown"]


async def test_the_end_of_the_lease_is_not_waited_for(rig: Rig) -> None:
    """Looked at every 0.1 s, so what would outlive the lease until the next look ends now."""
    connection = await websocket(rig)
    rig.clock.advance(0.85)
    await rig.live_check.watch_lease()
    assert connection.reasons == []
    rig.clock.advance(0.1)
    await rig.live_check.watch_lease()
    assert connection.reasons == ["session_unknown"]


REASONS = (
    *("sign_out", "takeover", "administrator", "response", "idle", "absolute"),
    *("password_change", "account_lock", "device_removal", "refresh_reuse"),
)


@pytest.mark.parametrize("reason", REASONS)
async def test_whatever_ended_the_session_is_said(rig: Rig, reason: str) -> None:
    connection = await websocket(rig)
    rig.session_event(state="ended", reason=reason)
    assert connection.reasons == [reason]


async def test_a_stronger_sign_in_of_the_same_session_costs_no_connection(rig: Rig) -> None:
    connection = await websocket(rig)
    former, later = (hashlib.sha256(secret * 43).digest() for secret in (b"c", b"d"))
    identity = rig.tokens.verify(rig.token(acr="urn:munjigi:acr:2").encode(), rig.clock.timestamp(), "").identity
    rig.cookies.moved(former, later, identity)
    assert connection.reasons == []
    assert rig.cookies.find(former, rig.clock.timestamp()) is None
    found = rig.cookies.find(later, rig.clock.timestamp())
    assert found is not None
    assert (found.cookie, found.identity.acr) == (later, "urn:munjigi:acr:2")
    rig.cookies.forget(later)
    assert connection.reasons == ["sign_out"]


async def test_a_sign_in_to_another_session_ends_what_the_former_one_opened(rig: Rig) -> None:
    connection = await websocket(rig)
    former, later = (hashlib.sha256(secret * 43).digest() for secret in (b"c", b"d"))
    identity = rig.tokens.verify(rig.token(sid="another").encode(), rig.clock.timestamp(), "").identity
    rig.cookies.moved(former, later, identity)
    assert connection.reasons == ["sign_out"]


async def test_a_public_one_is_decided_too(rig: Rig) -> None:
    connection = await opened(rig, head("/assets/film.mp4"))
    rig.judge.snapshot = compile_policy(Policy(roles=(), zones=(Zone("shop"),), rules=()), 2)
    await rig.live_check.look()
    assert connection.reasons == ["no_longer_allowed"]


async def test_a_websocket_ends_with_the_cookie_that_let_it_in(rig: Rig) -> None:
    """Signed out here while the identity provider is away: the session lives on, and nothing of this browser does."""
    connection = await websocket(rig)
    cookie = hashlib.sha256(b"c" * 43).digest()
    rig.cookies.forget(cookie)
    assert connection.reasons == ["sign_out"]
    assert len(rig.live) == 0


async def test_a_request_on_its_way_does_not_live_on_after_its_cookie(rig: Rig) -> None:
    await rig.project()
    cookie = (b"cookie", await rig.cookie())
    verdict = await rig.ask(head("/reservations/live", headers=[cookie, ORIGIN], upgrade=True))
    assert isinstance(verdict, Forward)
    assert verdict.opened is not None
    rig.cookies.forget(hashlib.sha256(b"c" * 43).digest())
    connection = Connection()
    verdict.opened(connection)
    assert connection.reasons == ["sign_out"]


async def test_what_only_reads_goes_on_where_a_zone_is_read_only_without_the_lease(rig: Rig) -> None:
    await rig.project()
    token = bearer(rig.token())
    download = await opened(rig, head("/reservations/all", headers=[token]))
    change = await opened(rig, head("/reservations/all", method="POST", headers=[token]))
    live = await opened(rig, head("/reservations/live", headers=[token], upgrade=True))
    rig.clock.advance(5)
    await rig.live_check.look()
    assert (download.reasons, change.reasons, live.reasons) == ([], ["session_unknown"], ["session_unknown"])


async def test_what_lives_on_is_decided_by_the_routes_of_now(rig: Rig) -> None:
    connection = await websocket(rig)
    remaining = tuple(route for route in rig.table.routes if route.authority.startswith("console"))
    rig.pipeline.use_table(RouteTable(remaining, rig.table.upstreams, rig.table.networks))
    await rig.live_check.look()
    assert connection.reasons == ["no_longer_allowed"]
