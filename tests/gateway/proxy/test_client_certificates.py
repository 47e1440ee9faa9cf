"""A client's certificate, from its handshake to what it is good for: bound tokens (RFC 8705) and rules."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography import x509
from msgspec.structs import replace

from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from gateway.exchange import ClientCertificate, Forward, RequestHead, Verdict
from gateway.listening.certificates import Certificates
from gateway.listening.tls import TlsFiles
from idp.protocol.confirmation import certificate_thumbprint
from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.snapshot import compile_policy
from tests.clock import FakeClock
from tests.gateway import rig as brain
from tests.gateway.proxy.authority import Authority
from tests.gateway.proxy.rig import Rig, free_port, rigged
from tests.idp.keys import Key, der

Opened = tuple[brain.Rig, Rig, Authority]


@pytest.fixture
async def opened(
    settings: Settings,
    database: Callable[[Role], Database],
    valkey: Valkey,
    clock: FakeClock,
    tmp_path: Path,
    folder: Path,
) -> AsyncIterator[Opened]:
    """A whole gateway: the real pipeline behind real TLS."""
    mind = brain.Rig(settings, database("gateway"), valkey, clock, tmp_path)
    await mind.project()

    async def decide(head: RequestHead) -> Verdict:
        verdict = await mind.ask(head)
        return replace(verdict, upstream="origin") if isinstance(verdict, Forward) else verdict

    authority = Authority(folder)
    files = authority.server("localhost")
    certificates = Certificates(TlsFiles(files.certificate, files.key, client_authorities=authority.file))
    listen = f"127.0.0.1:{free_port()}"
    async with rigged(folder, pipeline=decide, listen=listen, certificates=certificates) as rig:
        yield mind, rig, authority
    await mind.http.aclose()


async def asked(opened: Opened, context: ssl.SSLContext, token: str, *, path: str = "/products") -> int:
    client = await opened[1].client(context)
    sent = f"GET {path} HTTP/1.1\r\nHost: shop.localhost:8080\r\nAuthorization: Bearer {token}\r\n\r\n"
    return (await client.ask(sent.encode())).status


def issued(opened: Opened, name: str) -> tuple[Key, x509.Certificate]:
    return opened[2].issue(f"CN={name},O=Example")


async def test_a_token_is_good_with_the_certificate_that_it_is_bound_to(opened: Opened) -> None:
    mind, _, authority = opened
    own = issued(opened, "till-7")
    token = mind.token(cnf={"x5t#S256": certificate_thumbprint(der(own[1]))})
    assert await asked(opened, authority.trusting(own), token) == 200
    assert await asked(opened, authority.trusting(issued(opened, "till-7")), token) == 401
    assert await asked(opened, authority.trusting(), token) == 401


async def test_a_rule_may_ask_for_a_certificate(opened: Opened) -> None:
    mind, _, authority = opened
    own, other = issued(opened, "till-7"), issued(opened, "till-8")
    pinned = certificate_thumbprint(der(own[1]))
    mind.judge.snapshot = compile_policy(
        Policy(
            roles=("customer",),
            zones=(Zone("shop"),),
            rules=(
                Rule(
                    "one",
                    10,
                    "customer",
                    "shop",
                    "/one",
                    RuleEffect.ALLOW,
                    condition=f'client_certificate == "{pinned}"',
                ),
                Rule(
                    "named",
                    20,
                    "customer",
                    "shop",
                    "/named",
                    RuleEffect.ALLOW,
                    condition='client_certificate_name == "till-8"',
                ),
                Rule(
                    "not",
                    30,
                    "customer",
                    "shop",
                    "/not",
                    RuleEffect.ALLOW,
                    condition=f'client_certificate != "{pinned}"',
                ),
            ),
        ),
        2,
    )
    token = mind.token()
    nobody = authority.trusting()
    found = [
        [await asked(opened, context, token, path=path) for path in ("/one", "/named", "/not")]
        for context in (authority.trusting(own), nobody, authority.trusting(other), authority.trusting(own), nobody)
    ]
    assert found == [[200, 403, 403], [403, 403, 403], [403, 200, 200], [200, 403, 403], [403, 403, 403]]
    assert [record.get("client_certificate") for record in mind.heard.records[:4]] == [pinned, pinned, pinned, None]


async def test_a_standing_decision_is_of_one_certificate(rig: brain.Rig) -> None:
    await rig.project()
    rig.judge.snapshot = compile_policy(
        Policy(
            roles=("customer",),
            zones=(Zone("shop"),),
            rules=(Rule("a", 10, "customer", "shop", "/**", RuleEffect.ALLOW, condition='client_certificate == "a"'),),
        ),
        2,
    )
    token = rig.token()
    for certificate, passes in ((ClientCertificate("a"), True), (None, False), (ClientCertificate("b"), False)) * 2:
        head = brain.head("/products", headers=[brain.bearer(token)])
        head.certificate = certificate
        assert isinstance(await rig.ask(head), Forward) is passes
