"""The rules of upstream login that need no engine: where requests go, which keys count, what is taken of claims."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from config.envelope import Envelope
from config.outbound import PATIENCE, Answer, Outbound, Unanswered
from idp.federation.identity import described, with_userinfo
from idp.federation.links import WaysIn, may_be_linked
from idp.federation.problems import UpstreamUnreachable, UpstreamUnsound
from idp.federation.provider import Counts, UpstreamProvider, domain_of, is_domain
from idp.federation.question import Demand, QuestionKey, authenticated_at
from idp.federation.targets import Targets
from idp.federation.upstream import RETRY, Upstreams
from jose.published_keys import PublishedKeys
from tests.clock import FakeClock

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HERE = Targets.of("http://localhost:9000")


@pytest.mark.parametrize(
    ("uri", "public", "here"),
    [
        ("https://idp.acme.example", True, True),
        ("https://idp.acme.example:8443/realms/a", True, True),
        ("http://localhost:8080", False, True),
        ("http://keycloak.localhost:8080", False, True),
        ("http://idp.acme.example", False, False),
        ("https://user@idp.acme.example", False, False),
        ("https://idp.acme.example/#x", False, False),
        ("ftp://idp.acme.example", False, False),
        ("https://", False, False),
        ("https://idp.acme.example/" + "x" * 512, False, False),
    ],
)
def test_which_addresses_may_be_asked(uri: str, public: bool, here: bool) -> None:
    assert Targets.of("https://id.munjigi.example").allows_uri(uri) is public
    assert HERE.allows_uri(uri) is here


async def test_who_waited_for_an_upstream_that_hangs_does_not_wait_again(clock: FakeClock) -> None:
    class Hanging(Outbound):
        asked = 0

        async def ask(self, method: str, uri: str, **_named: Any) -> Answer:
            self.asked += 1
            await asyncio.sleep(0)
            clock.advance(PATIENCE)
            raise Unanswered(f"{method} {uri}")

    outbound = Hanging()
    keys = PublishedKeys(outbound.fetch, clock)
    upstreams = Upstreams(outbound, keys, Targets(), Envelope({b"k" * 8: b"k" * 32}, b"k" * 8), clock)
    met = await asyncio.gather(*(upstreams.metadata(ACME) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in met] == [UpstreamUnreachable] * 5
    assert outbound.asked == 1
    clock.advance(RETRY)
    with pytest.raises(UpstreamUnreachable):
        await upstreams.metadata(ACME)
    assert outbound.asked == 2


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("mina@acme.example", "acme.example"),
        (" Mina@ACME.Example ", "acme.example"),
        ("a@b@acme.example", "acme.example"),
        ("mina", None),
        ("@acme.example", None),
        ("mina@", None),
        ("mina@localhost", None),
        ("mina@아크메.example", None),
        ("mina@-acme.example", None),
    ],
)
def test_the_domain_of_what_was_typed(typed: str, domain: str | None) -> None:
    assert domain_of(typed) == domain


def test_domains() -> None:
    assert is_domain("xn--9d0bn3j.example")
    assert not is_domain("a" * 64 + ".example")
    assert not is_domain(".".join(["a" * 60] * 5))


def test_what_an_upstream_says_counts_for_nothing_unless_it_is_named() -> None:
    assert Counts().methods("phr", ("mfa", "pwd")) == ("fed",)
    counts = Counts(acr={"phr": ("hwk", "mfa")}, amr={"pwd": ("pwd",), "x": ("pwned",)})
    assert counts.methods("phr", ("pwd", "x", "otp")) == ("fed", "hwk", "mfa", "pwd")


def test_what_belongs_to_a_state_follows_from_it_and_the_key() -> None:
    key, other = QuestionKey(b"k" * 32), QuestionKey(b"l" * 32)
    assert key.nonce("s") == key.nonce("s")
    assert len({key.nonce("s"), key.verifier("s"), key.nonce("t"), other.nonce("s"), other.verifier("s")}) == 5
    assert len(key.verifier("s")) == 43
    assert "k" * 8 not in repr(key)


@pytest.mark.parametrize(
    ("demand", "seconds_ago", "counts_as"),
    [
        (Demand(), 100, 100),
        (Demand(), -100, 0),
        (Demand(), None, 43200),
        (Demand(prompt=("login",)), None, 0),
        (Demand(prompt=("login",)), 30, 30),
        (Demand(prompt=("login",)), 91, None),
        (Demand(max_age=60), 90, 90),
        (Demand(max_age=60), 91, None),
        (Demand(max_age=0), None, None),
    ],
)
def test_when_somebody_was_authenticated(demand: Demand, seconds_ago: int | None, counts_as: int | None) -> None:
    asked_at = NOW - timedelta(seconds=60)
    told = None if seconds_ago is None else NOW.timestamp() - seconds_ago
    if counts_as is None:
        with pytest.raises(UpstreamUnsound):
            authenticated_at(demand, told, asked_at, NOW)
    else:
        assert authenticated_at(demand, told, asked_at, NOW) == NOW - timedelta(seconds=counts_as)


def _acme(**changed: Any) -> UpstreamProvider:
    return UpstreamProvider(
        id=uuid4(),
        organisation_id=uuid4(),
        issuer="https://idp.acme.example",
        client_id="munjigi",
        auth_method="none",
        sealed_secret=None,
        scopes=("openid", "email"),
        name={"ko": "아크메", "en": "Acme"},
        domains=("acme.example",),
        **changed,
    )


ACME = _acme()


def test_what_is_taken_of_claims() -> None:
    told = described(
        _acme(name_claim="nickname"),
        {"sub": "u-1", "nickname": " Mina\u202e\n Kim ", "email": "MINA@acme.example", "email_verified": True},
    )
    assert (told.name, told.email, told.shown) == ("Mina Kim", "mina@acme.example", "MINA@acme.example")
    bare = described(_acme(), {"sub": "u-1", "name": 7, "email": ["x"]})
    assert (bare.name, bare.email, bare.shown) == ("", None, "u-1")


def test_a_secret_shows_nowhere() -> None:
    provider = _acme()
    assert "sealed_secret" not in repr(provider)


def test_who_may_be_linked() -> None:
    ours, theirs = uuid4(), uuid4()
    assert may_be_linked([ours], ours)
    for others in ([], [theirs], [ours, theirs]):
        assert not may_be_linked(others, ours)


def test_the_last_way_in() -> None:
    assert WaysIn(password=False, passkeys=0, links=1).only_one
    assert not WaysIn(password=True, passkeys=0, links=1).only_one
    assert not WaysIn(password=False, passkeys=1, links=1).only_one


@pytest.mark.parametrize(
    ("claims", "told", "verified"),
    [
        ({"email": "a@acme.example"}, {"email": "a@acme.example", "email_verified": True}, True),
        ({"email": "a@acme.example"}, {"email": "b@acme.example", "email_verified": True}, None),
        ({"email": "a@acme.example"}, {"email_verified": True}, None),
        (
            {"email": "a@acme.example", "email_verified": False},
            {"email": "a@acme.example", "email_verified": True},
            False,
        ),
        ({"email_verified": True}, {"email": "b@acme.example"}, None),
        ({}, {"email": "b@acme.example", "email_verified": True}, True),
    ],
)
def test_an_address_is_verified_where_that_is_said_of_it(
    claims: dict[str, object], told: dict[str, object], verified: bool | None
) -> None:
    both = with_userinfo({"sub": "u-1", **claims}, {"sub": "u-1", "name": "Mina", **told})
    assert both["email"] == claims.get("email", told.get("email"))
    assert both.get("email_verified") is verified
    assert both["name"] == "Mina"
