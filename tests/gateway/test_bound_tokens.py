"""Tokens that are bound to a key, at the door: DPoP (RFC 9449, section 7) and certificates (RFC 8705, section 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.exceptions import ConnectionError as ValkeyConnectionError

from config import key_space
from config.client_address import ClientAddresses
from config.entropy import SystemEntropy
from config.replays import Replays
from gateway.callers.key_check import KeyCheck, nonces_of
from gateway.exchange import Answer, ClientCertificate, Forward
from gateway.header import Header
from gateway.proxy.door import Door
from gateway.proxy.request_head import RequestHeadParser
from gateway.proxy.watch import Watch
from gateway.routes.route_file import load_route_table
from idp.protocol.confirmation import certificate_thumbprint
from idp.protocol.dpop_nonce import LIFETIME, STEP
from tests.gateway.rig import ROUTES, Rig, bearer, head
from tests.idp.keys import Key, rsa_key

PRODUCTS = "http://shop.localhost:8080/products"
KEY = Key()


@pytest.fixture(autouse=True)
async def _projected(rig: Rig) -> None:
    await rig.project()
    await Replays(rig.valkey, "gateway-dpop").begin(rig.clock.timestamp() - 60)


def bound(rig: Rig, **cnf: Any) -> str:
    return rig.token(cnf=cnf or {"jkt": KEY.thumbprint})


def proof(rig: Rig, token: str, *, key: Key = KEY, method: str = "GET", address: str = PRODUCTS, **said: Any) -> Header:
    return b"dpop", key.proof(method, address, rig.clock.timestamp(), token=token, **said).encode()


def by_dpop(token: str) -> Header:
    return b"authorization", b"DPoP " + token.encode()


def refusal(verdict: object) -> tuple[int, str, str]:
    assert isinstance(verdict, Answer)
    challenge = dict(verdict.headers)[b"www-authenticate"].decode()
    return verdict.status, msgspec.json.decode(verdict.body)["code"], challenge


def dpop_challenge(error: str) -> str:
    return f'DPoP realm="munjigi", error="{error}", algs="ES256 PS256"'


async def test_a_bound_token_with_its_proof_passes_and_both_stop_here(rig: Rig) -> None:
    token = bound(rig)
    for _ in range(2):  # the second one is warm, and yet its proof is looked at
        verdict = await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token)]))
        assert isinstance(verdict, Forward)
        assert {b"authorization", b"dpop"} <= verdict.drop


async def test_the_address_is_the_one_that_the_client_sees(rig: Rig) -> None:
    token = bound(rig)
    shown = proof(rig, token, address="HTTP://SHOP.localhost:8080/%70roducts?page=2")
    asked = head("/products", query="page=2", headers=[by_dpop(token), shown])
    assert isinstance(await rig.ask(asked), Forward)


async def test_what_does_not_prove_the_key_is_refused(rig: Rig) -> None:
    token, free = bound(rig), rig.token()
    other = bound(rig)
    for headers, error in (
        ([bearer(token)], "invalid_token"),
        ([bearer(token), proof(rig, token)], "invalid_token"),
        ([by_dpop(token)], "invalid_dpop_proof"),
        ([by_dpop(token), proof(rig, token), proof(rig, token)], "invalid_dpop_proof"),
        ([by_dpop(token), (b"dpop", b"")], "invalid_dpop_proof"),
        ([by_dpop(token), (b"dpop", b"\xff.a.b")], "invalid_dpop_proof"),
        ([by_dpop(token), proof(rig, token, key=Key())], "invalid_dpop_proof"),
        ([by_dpop(token), proof(rig, token, method="POST")], "invalid_dpop_proof"),
        ([by_dpop(token), proof(rig, token, address="http://shop.localhost:8080/cart")], "invalid_dpop_proof"),
        ([by_dpop(token), proof(rig, token, address="http://shop.localhost/products")], "invalid_dpop_proof"),
        ([by_dpop(token), proof(rig, token, iat=rig.clock.timestamp() - 60)], "invalid_dpop_proof"),
        ([by_dpop(token), proof(rig, other)], "invalid_dpop_proof"),
    ):
        for _ in range(2):  # cold and warm
            verdict = await rig.ask(head("/products", headers=headers))
            assert refusal(verdict) == (401, "MJ-GATEWAY-218", dpop_challenge(error)), headers
    verdict = await rig.ask(head("/products", headers=[by_dpop(free), proof(rig, free)]))
    assert refusal(verdict)[:2] == (401, "MJ-GATEWAY-218"), "a token that anybody may bear is no bound one"
    assert isinstance(await rig.ask(head("/products", headers=[bearer(free)])), Forward)


async def test_a_proof_is_good_once_at_whichever_gateway(rig: Rig) -> None:
    token = bound(rig)
    asked = head("/products", headers=[by_dpop(token), proof(rig, token)])
    assert isinstance(await rig.ask(asked), Forward)
    assert refusal(await rig.ask(asked))[2] == dpop_challenge("invalid_dpop_proof")
    rig.pipeline._keys = elsewhere(rig)
    assert refusal(await rig.ask(asked))[2] == dpop_challenge("invalid_dpop_proof")


def elsewhere(rig: Rig) -> KeyCheck:
    """The check of another gateway, which shares Valkey and the gateways' secret."""
    replays = Replays(rig.valkey, "gateway-dpop")
    return KeyCheck(replays=replays, nonces=nonces_of("a secret"), clock=rig.clock, scheme="http")


async def test_a_zone_may_ask_for_nonces(rig: Rig, tmp_path: Path) -> None:
    free, token = rig.token(), bound(rig)
    path = tmp_path / "with-nonces.toml"
    path.write_text(ROUTES.replace("[zones.shop]", "[zones.shop]\ndpop_nonce_required = true"))
    rig.pipeline.use_table(load_route_table(path, runtime=tmp_path, port=8080))

    async def ask(**said: Any) -> object:
        return await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token, **said)]))

    asked = await ask()
    assert refusal(asked) == (401, "MJ-GATEWAY-218", dpop_challenge("use_dpop_nonce"))
    nonce = given_nonce(asked)
    assert isinstance(await ask(nonce=nonce), Forward)
    assert isinstance(await ask(nonce=nonce), Forward), "the next request need not fetch another one"
    rig.pipeline._keys = elsewhere(rig)
    assert isinstance(await ask(nonce=nonce), Forward), "any gateway knows it"
    for other in ("made up", nonces_of("another secret").issue(rig.clock.timestamp())):
        assert refusal(await ask(nonce=other))[2] == dpop_challenge("use_dpop_nonce")
    assert refusal(await ask(nonce=nonce, htm="POST"))[2] == dpop_challenge("invalid_dpop_proof")
    assert isinstance(await rig.ask(head("/products", headers=[bearer(free)])), Forward), "others are not asked"
    reserved = "http://shop.localhost:8080/reservations"
    beside = head("/reservations", headers=[by_dpop(token), proof(rig, token, address=reserved)])
    assert isinstance(await rig.ask(beside), Forward), "nor does another zone ask"
    rig.clock.advance(LIFETIME + STEP)
    rig.beat()
    token = bound(rig)
    stale = await ask(nonce=nonce)
    assert refusal(stale)[2] == dpop_challenge("use_dpop_nonce")
    assert isinstance(await ask(nonce=given_nonce(stale)), Forward)


def given_nonce(verdict: object) -> str:
    assert isinstance(verdict, Answer)
    return dict(verdict.headers)[b"dpop-nonce"].decode()


async def test_proofs_are_signed_as_fapi_2_wants_of_whoever_shows_them(rig: Rig) -> None:
    key = rsa_key(algorithm="PS256")
    token = bound(rig, jkt=key.thumbprint)
    shown = [by_dpop(token), proof(rig, token, key=key)]
    assert isinstance(await rig.ask(head("/products", headers=shown)), Forward)
    key.algorithm = "RS256"
    refused = await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token, key=key)]))
    assert refusal(refused) == (401, "MJ-GATEWAY-218", dpop_challenge("invalid_dpop_proof"))


async def test_a_token_that_is_bound_in_an_unknown_way_is_refused(rig: Rig) -> None:
    for cnf in ({"jwk": {}}, {"jkt": KEY.thumbprint, "kid": "x"}, {"jkt": 5}, {}):
        token = rig.token(cnf=cnf)
        for headers in ([bearer(token)], [by_dpop(token), proof(rig, token)]):
            assert refusal(await rig.ask(head("/products", headers=headers)))[:2] == (401, "MJ-GATEWAY-211")


async def test_while_nobody_remembers_proofs_none_is_taken(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    token = bound(rig)
    await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token)]))

    async def away(*_: object, **__: object) -> bool:
        raise ValkeyConnectionError

    monkeypatch.setattr(rig.pipeline._keys._replays, "is_first", away)
    verdict = await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token)]))
    assert isinstance(verdict, Answer)
    assert verdict.status == 503
    free = head("/products", headers=[bearer(rig.token())])
    await rig.ask(free)
    assert isinstance(rig.pipeline(free), Forward), "whoever has no such token does not notice"


async def test_a_proof_that_valkey_may_have_lost_is_not_taken_and_not_called_wrong(rig: Rig) -> None:
    token = bound(rig)
    await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token)]))
    await rig.valkey.delete(key_space.replays_since("gateway-dpop"))
    verdict = await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token)]))
    assert isinstance(verdict, Answer)
    assert (verdict.status, msgspec.json.decode(verdict.body)["code"]) == (503, "MJ-GATEWAY-213")
    rig.clock.advance(42)
    rig.beat()
    assert isinstance(await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token)])), Forward)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
async def test_a_session_that_ends_while_its_proof_is_looked_at_is_over(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, *, warm: bool
) -> None:
    token = bound(rig)
    if warm:
        assert isinstance(await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token)])), Forward)

    async def ends_meanwhile(*_: object, **__: object) -> bool:
        rig.session_event(state="ended")
        return True

    monkeypatch.setattr(rig.pipeline._keys._replays, "is_first", ends_meanwhile)
    verdict = await rig.ask(head("/products", headers=[by_dpop(token), proof(rig, token)]))
    assert refusal(verdict)[:2] == (401, "MJ-GATEWAY-212")


async def test_a_certificate_proves_what_is_bound_to_it(rig: Rig) -> None:
    der = b"what a proxy says is a certificate"
    token = bound(rig, **{"x5t#S256": certificate_thumbprint(der)})
    asked = head("/products", headers=[bearer(token)])
    status, code, challenge = refusal(await rig.ask(asked))
    assert (status, code) == (401, "MJ-GATEWAY-218")
    assert challenge.startswith('Bearer realm="munjigi", error="invalid_token"')
    asked.certificate = ClientCertificate(certificate_thumbprint(b"another"))
    assert refusal(await rig.ask(asked))[0] == 401
    asked.certificate = ClientCertificate(certificate_thumbprint(der))
    assert isinstance(await rig.ask(asked), Forward)
    both = bound(rig, **{"x5t#S256": certificate_thumbprint(der)}, jkt=KEY.thumbprint)
    asked = head("/products", headers=[by_dpop(both), proof(rig, both)])
    assert refusal(await rig.ask(asked))[2] == dpop_challenge("invalid_dpop_proof"), "one of two is not enough"
    asked = head("/products", headers=[by_dpop(both), proof(rig, both)])
    asked.certificate = ClientCertificate(certificate_thumbprint(der))
    assert isinstance(await rig.ask(asked), Forward)


@pytest.mark.parametrize(
    ("believed", "trusted", "lines", "taken", "secure"),
    [
        (True, "127.0.0.1/32", [b"Client-Cert: :QQ==:"], b"A", False),
        (True, "127.0.0.1/32", [b"Client-Cert: :QQ==:"], None, True),
        (True, "127.0.0.1/32", [b"Client-Cert: QQ=="], None, False),
        (True, "127.0.0.1/32", [b"client-cert: :QQ==:", b"Client-Cert: :Qg==:"], None, False),
        (True, "127.0.0.1/32", [b"Client_Cert: :QQ==:"], None, False),
        (True, "127.0.0.1/32", [], None, False),
        (True, "10.0.0.0/8", [b"Client-Cert: :QQ==:"], None, False),
        (False, "127.0.0.1/32", [b"Client-Cert: :QQ==:"], None, False),
    ],
)
def test_a_certificate_is_believed_of_trusted_proxies_alone(
    believed: bool, trusted: str, lines: list[bytes], taken: bytes | None, secure: bool
) -> None:
    door = Door(
        None,  # type: ignore[arg-type] # nothing is decided here
        None,
        None,  # type: ignore[arg-type] # nor sent on
        SystemEntropy(),
        Watch(),
        addresses=ClientAddresses([trusted]),
        certificates=believed,
    )
    parser = RequestHeadParser(door, "127.0.0.1", secure=secure)
    raw = b"\r\n".join([b"GET /products HTTP/1.1", b"Host: shop.localhost:8080", *lines, b"", b""])
    found = parser.parse(raw, "corr-1")
    assert found.certificate == (None if taken is None else ClientCertificate(certificate_thumbprint(taken)))
    assert found.get(b"client-cert") is None, "it goes no further"
