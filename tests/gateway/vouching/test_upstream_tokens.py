"""An upstream's own access token: exchanged once, kept for its session, and nothing goes on without it."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from urllib.parse import parse_qs

import httpx2
import msgspec
import pytest

from gateway.decision.enforcement import Refusal
from gateway.exchange import Answer, Forward, OwnPage
from gateway.routes.route_file import load_route_table
from gateway.vouching.upstream_tokens import AHEAD, PAUSE
from policy.artefact import Rule, RuleEffect
from policy.snapshot import compile_policy
from tests.gateway.rig import NAVIGATION, POLICY, Rig, bearer, head
from tests.gateway.vouching.test_identity_headers import table_of

WANTED = """
[upstreams.commerce]
service = "commerce"
token = { resource = "https://ledger.example", scope = "ledger.read" }
"""


@pytest.fixture
def wanting(rig: Rig, tmp_path: Path) -> Rig:
    """A gateway whose shop wants a token of its own."""
    rig.pipeline.use_table(load_route_table(table_of(tmp_path, commerce=WANTED), runtime=tmp_path, port=8080))
    return rig


def granted(token: str, seconds: float = 300) -> httpx2.Response:
    return httpx2.Response(200, json={"access_token": token, "token_type": "Bearer", "expires_in": seconds})


def refused(error: str) -> httpx2.Response:
    return httpx2.Response(400, json={"error": error})


def forms(rig: Rig) -> list[dict[str, str]]:
    """What the token endpoint was asked."""
    return [{name: value[0] for name, value in parse_qs(asked.content.decode()).items()} for asked in rig.asked]


def given(verdict: object) -> bytes | None:
    assert isinstance(verdict, Forward), verdict
    return dict(verdict.add).get(b"authorization")


def code(verdict: object) -> tuple[int, str]:
    assert isinstance(verdict, Answer), verdict
    return verdict.status, msgspec.json.decode(verdict.body)["code"]


async def test_a_token_is_exchanged_once_and_found_from_then_on(wanting: Rig) -> None:
    await wanting.project()
    token = wanting.token()
    wanting.answers += [granted("own"), granted("exchanged")]
    shown = head("/products", headers=[bearer(token)])
    verdict = await wanting.ask(shown)
    assert given(verdict) == b"Bearer exchanged"
    assert isinstance(verdict, Forward)
    assert dict(verdict.add)[b"munjigi-assertion"], "beside the assertion"
    assert forms(wanting) == [
        {"grant_type": "client_credentials"},
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "actor_token": "own",
            "actor_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "resource": "https://ledger.example",
            "scope": "ledger.read",
        },
    ]
    assert given(wanting.pipeline(shown)) == b"Bearer exchanged", "the warm way, without waiting"
    assert len(wanting.asked) == 2
    assert "exchanged" not in repr(list(wanting.tokens._known.values()))
    assert [record["effect"] for record in wanting.heard.records] == ["allow", "allow"], "one record of each request"


async def test_of_a_browser_the_token_in_its_row_is_exchanged(wanting: Rig) -> None:
    await wanting.project()
    cookie = (b"cookie", await wanting.cookie())
    wanting.answers += [granted("own"), granted("exchanged")]
    assert given(await wanting.ask(head("/products", headers=[cookie]))) == b"Bearer exchanged"
    subject = forms(wanting)[1]["subject_token"]
    assert wanting.tokens.claims(subject, wanting.clock.timestamp())["sid"] == "session-1"


async def test_many_that_wait_wait_for_one(wanting: Rig) -> None:
    await wanting.project()
    shown = [bearer(wanting.token())]
    wanting.answers += [granted("own"), granted("exchanged")]
    verdicts = await asyncio.gather(*(wanting.ask(head("/products", headers=shown)) for _ in range(50)))
    assert {given(verdict) for verdict in verdicts} == {b"Bearer exchanged"}
    assert len(wanting.asked) == 2


async def test_it_is_had_anew_shortly_before_it_ends(wanting: Rig) -> None:
    await wanting.project()
    shown = [bearer(wanting.token(lifetime=1000))]
    wanting.answers += [granted("own", 1000), granted("first", 100), granted("second", 100)]
    await wanting.ask(head("/products", headers=shown))
    wanting.clock.advance(100 - AHEAD - 1)
    wanting.beat()
    assert given(wanting.pipeline(head("/products", headers=shown))) == b"Bearer first"
    wanting.clock.advance(1)
    wanting.beat()
    assert given(await wanting.ask(head("/products", headers=shown))) == b"Bearer second"
    assert len(wanting.asked) == 3


async def test_it_goes_with_the_token_that_it_came_of(wanting: Rig) -> None:
    await wanting.project()
    cookie = (b"cookie", await wanting.cookie())
    wanting.answers += [granted("own"), granted("first"), granted("second")]
    await wanting.ask(head("/products", headers=[cookie]))
    (caller,) = wanting.cookies.known()
    caller.become(caller.identity)  # as a refresh does
    assert given(await wanting.ask(head("/products", headers=[cookie]))) == b"Bearer second"


async def test_it_goes_with_its_session(wanting: Rig) -> None:
    await wanting.project()
    shown = [bearer(wanting.token())]
    wanting.answers += [granted("own"), granted("exchanged")]
    await wanting.ask(head("/products", headers=shown))
    wanting.session_event(state="ended")
    assert code(await wanting.ask(head("/products", headers=shown))) == (401, "MJ-GATEWAY-212")


async def test_a_session_that_ends_while_it_is_exchanged_gets_nothing(wanting: Rig) -> None:
    await wanting.project()
    wanting.answers += [granted("own"), granted("exchanged")]
    exchanged = wanting.provider.grant

    async def slow(**form: str) -> object:
        tokens = await exchanged(**form)
        wanting.session_event(state="ended")
        return tokens

    wanting.provider.grant = slow  # type: ignore[method-assign,assignment] # the end falls into the answer
    assert code(await wanting.ask(head("/products", headers=[bearer(wanting.token())]))) == (401, "MJ-GATEWAY-212")


async def test_nothing_goes_on_without_it(wanting: Rig) -> None:
    await wanting.project()
    shown = [bearer(wanting.token())]
    wanting.answers += [granted("own"), refused("invalid_target")]
    assert code(await wanting.ask(head("/products", headers=shown))) == (403, "MJ-GATEWAY-240")
    assert code(await wanting.ask(head("/products", headers=shown))) == (403, "MJ-GATEWAY-240")
    assert len(wanting.asked) == 2, "not asked again at once"
    wanting.clock.advance(PAUSE)
    wanting.beat()
    wanting.answers += [httpx2.ConnectError("away")]
    assert code(await wanting.ask(head("/products", headers=shown))) == (503, "MJ-GATEWAY-241")
    wanting.clock.advance(PAUSE)
    wanting.beat()
    wanting.answers += [granted("exchanged")]
    assert given(await wanting.ask(head("/products", headers=shown))) == b"Bearer exchanged"


async def test_a_person_gets_a_page(wanting: Rig) -> None:
    await wanting.project()
    cookie = (b"cookie", await wanting.cookie())
    wanting.answers += [granted("own"), refused("invalid_target")]
    verdict = await wanting.ask(head("/products", headers=[cookie, *NAVIGATION]))
    assert isinstance(verdict, OwnPage)
    refusal = verdict.state["refusal"]
    assert isinstance(refusal, Refusal)
    assert refusal.kind.code == "MJ-GATEWAY-240"


async def test_our_own_token_that_is_no_longer_good_is_had_anew(wanting: Rig) -> None:
    await wanting.project()
    await wanting.project("session-2")
    wanting.answers += [
        granted("own"),
        granted("exchanged"),
        refused("invalid_request"),
        granted("own-2"),
        granted("x"),
    ]
    await wanting.ask(head("/products", headers=[bearer(wanting.token())]))
    other = await wanting.ask(head("/products", headers=[bearer(wanting.token(sid="session-2"))]))
    assert given(other) == b"Bearer x"
    assert [form.get("actor_token") for form in forms(wanting)] == [None, "own", "own", None, "own-2"]


async def test_nothing_is_exchanged_for_who_is_refused_or_nobody(wanting: Rig) -> None:
    await wanting.project()
    assert code(await wanting.ask(head("/closed", headers=[bearer(wanting.token())]))) == (403, "MJ-GATEWAY-216")
    assert given(await wanting.ask(head("/assets/a"))) is None
    assert given(await wanting.ask(head("/reservations", headers=[bearer(wanting.token())]))) is None, (
        "another upstream"
    )
    assert wanting.asked == []


def narrow(rig: Rig, *obligations: str) -> None:
    rule = Rule("narrow", 1, "customer", "shop", "/products", RuleEffect.ALLOW, obligations=obligations)
    rig.judge.snapshot = compile_policy(msgspec.structs.replace(POLICY, rules=(rule, *POLICY.rules)), 2)


async def test_of_its_scopes_those_are_asked_for_that_the_decision_leaves(rig: Rig, tmp_path: Path) -> None:
    several = WANTED.replace("ledger.read", "ledger.read ledger.write")
    rig.pipeline.use_table(load_route_table(table_of(tmp_path, commerce=several), runtime=tmp_path, port=8080))
    await rig.project()
    shown = head("/products", headers=[bearer(rig.token(scope="openid ledger.read ledger.write"))])
    rig.answers += [granted("own"), granted("wide"), granted("narrow")]
    assert given(await rig.ask(shown)) == b"Bearer wide"
    narrow(rig, "scopes:ledger.read|other")
    assert given(await rig.ask(shown)) == b"Bearer narrow", "the wide one is at hand, and not given"
    assert given(rig.pipeline(shown)) == b"Bearer narrow"
    assert [form.get("scope") for form in forms(rig)] == [None, "ledger.read ledger.write", "ledger.read"]
    told = msgspec.json.decode(base64.urlsafe_b64decode(assertion(rig.pipeline(shown)).split(".")[1] + "=="))
    assert told["scope"] == "ledger.read"


async def test_where_an_upstream_names_no_scope_those_of_the_token_are_narrowed(rig: Rig, tmp_path: Path) -> None:
    unnamed = WANTED.replace(', scope = "ledger.read"', "")
    rig.pipeline.use_table(load_route_table(table_of(tmp_path, commerce=unnamed), runtime=tmp_path, port=8080))
    await rig.project()
    narrow(rig, "scopes:ledger.read")
    rig.answers += [granted("own"), granted("narrow")]
    shown = head("/products", headers=[bearer(rig.token(scope="openid ledger.read ledger.write"))])
    assert given(await rig.ask(shown)) == b"Bearer narrow"
    assert forms(rig)[1]["scope"] == "ledger.read"


async def test_where_no_scope_is_left_nothing_is_asked_for_and_nothing_goes_on(wanting: Rig) -> None:
    await wanting.project()
    narrow(wanting, "scopes:other")
    shown = head("/products", headers=[bearer(wanting.token(scope="openid ledger.read"))])
    assert code(await wanting.ask(shown)) == (403, "MJ-GATEWAY-240")
    assert forms(wanting) == []


def assertion(verdict: object) -> str:
    assert isinstance(verdict, Forward), verdict
    return dict(verdict.add)[b"munjigi-assertion"].decode()
