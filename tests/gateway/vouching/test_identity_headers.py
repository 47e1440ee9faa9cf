"""Who asks, as fields that an upstream named: read back as they were, and said by nobody but the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.entropy import SystemEntropy
from gateway.exchange import Forward
from gateway.inbound.header_hygiene import generated_lines
from gateway.proxy.door import Door
from gateway.proxy.forwarding import request_bytes
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.request_head import RequestHeadParser
from gateway.proxy.watch import Watch
from gateway.routes.route_file import RouteTableError, load_route_table
from gateway.vouching.identity_headers import plain_value
from gateway.vouching.told import AS_EVER
from tests.gateway.rig import ROUTES, Rig, bearer, head

ASKED = """
[upstreams.commerce]
service = "commerce"
assertion = false
[upstreams.commerce.headers]
X-Forwarded-User = "sub"
X-Forwarded-Email = "email"
X-Forwarded-Groups = "roles"
X-Ledger-Name = "name"
"""


def table_of(folder: Path, *, commerce: str = ASKED, more: str = "") -> Path:
    file = folder / "asked.toml"
    file.write_text(ROUTES.replace('[upstreams.commerce]\nservice = "commerce"', commerce) + more)
    return file


@pytest.fixture
def asked(rig: Rig, tmp_path: Path) -> Rig:
    """A gateway whose shop is told by fields, and by no assertion."""
    rig.pipeline.use_table(load_route_table(table_of(tmp_path), runtime=tmp_path, port=8080))
    return rig


def received(rig: Rig, verdict: object, raw: bytes) -> dict[bytes, list[bytes]]:
    """What the upstream reads of a request."""
    assert isinstance(verdict, Forward)
    watch, limits = Watch(), Limits()
    door = Door(rig.pipeline, None, Pools({}, limits=limits, watch=watch), SystemEntropy(), watch, limits)
    parser = RequestHeadParser(door, "127.0.0.1")
    parser.parse(raw, "corr-1")
    lines = request_bytes(parser, verdict, b"munjigi-correlation-id: corr-1", b"").split(b"\r\n\r\n")[0].split(b"\r\n")
    found: dict[bytes, list[bytes]] = {}
    for line in lines[1:]:
        name, _, value = line.partition(b": ")
        found.setdefault(name, []).append(value)
    return found


FORGED = (
    b"GET /assets/a HTTP/1.1\r\nHost: shop.localhost:8080\r\nX-Forwarded-User: root\r\nx_forwarded_user: root\r\n"
    b"X-Ledger-Name: root\r\nX_Ledger_Name: root\r\nx.ledger-name: root\r\nX-Forwarded-Groups: root\r\n"
    b"X-Own: mine\r\n\r\n"
)


async def test_an_upstream_is_told_what_it_named_and_a_clients_copies_stop_here(asked: Rig) -> None:
    await asked.project()
    verdict = await asked.ask(head("/assets/a", headers=[(b"cookie", await asked.cookie())]))
    got = received(asked, verdict, FORGED)
    assert got[b"x-forwarded-user"] == [b"kim"]
    assert got[b"x-forwarded-groups"] == [b"customer"]
    assert [unquote(value.decode()) for value in got[b"x-ledger-name"]] == ["김문지"]
    assert got[b"x-own"] == [b"mine"]
    assert b"x-forwarded-email" not in got, "nobody knows it of a session that began before"
    assert b"munjigi-assertion" not in got
    assert not {b"x_forwarded_user", b"x_ledger_name", b"x.ledger-name"} & got.keys()


async def test_nobody_has_no_such_fields_and_cannot_forge_them(asked: Rig) -> None:
    got = received(asked, await asked.ask(head("/assets/a")), FORGED)
    assert b"root" not in {value for values in got.values() for value in values}
    assert got[b"x-own"] == [b"mine"]


async def test_upstreams_that_did_not_ask_are_not_told_and_are_not_lied_to_either(asked: Rig) -> None:
    await asked.project()
    verdict = await asked.ask(head("/reservations", headers=[bearer(asked.token())]))
    got = received(asked, verdict, FORGED)
    assert b"munjigi-assertion" in got
    assert not [name for name in got if name.startswith((b"x-ledger", b"x-forwarded-u", b"x-forwarded-g"))]


async def test_what_is_said_goes_with_the_token_that_it_was_read_of(asked: Rig) -> None:
    await asked.project()
    token = asked.token()
    verdict = await asked.ask(head("/products", headers=[bearer(token)]))
    assert isinstance(verdict, Forward)
    again = asked.pipeline(head("/products", headers=[bearer(token)]))
    assert isinstance(again, Forward)
    assert again.add == verdict.add, "the warm way"
    other = await asked.ask(head("/products", headers=[bearer(asked.token(roles=["customer", "a,b"]))]))
    assert isinstance(other, Forward)
    assert dict(other.add)[b"x-forwarded-groups"] == b"a%2Cb,customer"


async def test_an_address_is_asked_for_where_somebody_wants_it_and_told_where_it_is_proven(asked: Rig) -> None:
    for verified, told in ((True, b"kim@example.com"), (False, None)):
        led = await asked.flow.begin(authority="shop.localhost:8080", address="127.0.0.1", return_to="/")
        assert "scope=openid+profile+email&" in led.url
        nonce = led.url.partition("nonce=")[2].partition("&")[0]
        asked.will_answer(
            asked.token(), id_token=asked.id_token(nonce, email="kim@example.com", email_verified=verified)
        )
        signed_in = await asked.flow.finish(
            parameters={"code": "c", "state": led.state, "iss": asked.provider.issuer},
            authority="shop.localhost:8080",
            browser_secret=led.browser_secret,
            replaced=None,
            address="127.0.0.1",
        )
        await asked.project()
        cookie = (b"cookie", b"__Host-munjigi=" + signed_in.cookie.encode())
        verdict = await asked.ask(head("/products", headers=[cookie]))
        assert isinstance(verdict, Forward)
        assert dict(verdict.add).get(b"x-forwarded-email") == told


async def test_where_nobody_wants_an_address_none_is_asked_for(rig: Rig) -> None:
    led = await rig.flow.begin(authority="shop.localhost:8080", address="127.0.0.1", return_to="/")
    assert "email" not in led.url


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_value_can_be_read_back_and_breaks_no_line(text: str) -> None:
    value = plain_value(text)
    generated_lines([(b"x-a", value)])
    assert value.isascii()
    assert value == value.strip()
    assert unquote(value.decode()) == text


@pytest.mark.parametrize(
    ("commerce", "said"),
    [
        ('headers = { "Munjigi-Assertion" = "sub" }', "means something else"),
        ('headers = { Host = "sub" }', "means something else"),
        ('headers = { Connection = "sub" }', "means something else"),
        ('headers = { "X-Forwarded-For" = "sub" }', "means something else"),
        ('headers = { Authorization = "sub" }', "means something else"),
        ('headers = { Cookie = "sub" }', "means something else"),
        ('headers = { "Content-Type" = "sub" }', "means something else"),
        ('headers = { traceparent = "sub" }', "means something else"),
        ('headers = { "X_User" = "sub" }', "letters, digits"),
        ('headers = { "X User" = "sub" }', "letters, digits"),
        ('headers = { "X-User" = "sub", "x-user" = "sid" }', "stands twice"),
        ('headers = { "X-User" = "password" }', "Invalid enum value 'password'"),
        ('token = { resource = "ledger" }', "absolute URI"),
        ('token = { resource = "https://a.example/#x" }', "absolute URI"),
        ('token = { resource = "https://a.example", scope = "a  b" }', "single spaces"),
        ("token = {}", "resource"),
    ],
)
def test_a_table_that_asks_for_what_must_not_be_is_refused(tmp_path: Path, commerce: str, said: str) -> None:
    file = table_of(tmp_path, commerce=f'[upstreams.commerce]\nservice = "commerce"\n{commerce}')
    with pytest.raises(RouteTableError, match=said):
        load_route_table(file, runtime=tmp_path, port=8080)


def test_a_table_without_wishes_is_as_ever(tmp_path: Path) -> None:
    file = table_of(tmp_path, commerce='[upstreams.commerce]\nservice = "commerce"\nassertion = true')
    table: Any = load_route_table(file, runtime=tmp_path, port=8080)
    assert all(route.told is AS_EVER for route in table.routes)
