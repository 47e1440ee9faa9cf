"""The service of `docs/how-to/put-a-service-behind-the-gateway.md` lets in whom the gateway vouches for alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.errors import ExpiredTokenError, JoseError

from gateway.assertion_keys import AssertionKeys
from gateway.routes.route_file import load_route_table
from jose.assertion import HEADER, LIFETIME, AssertionSigner, Subject
from jose.jws import sign
from jose.keys import KeyRing, SigningKey
from policy.artefact import Policy, Zone
from policy.lint import lint
from policy.snapshot import compile_policy
from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, blocks, defined_by

PAGE = PROJECT / "docs" / "how-to" / "put-a-service-behind-the-gateway.md"
MINA = Subject(sid="a-session", sub="u-1", org="org-1", roles=("customer",), name="Mina")


@pytest.fixture
def page() -> dict[str, Any]:
    """What the page's blocks define."""
    return defined_by(PAGE)


@pytest.fixture
def ring() -> KeyRing:
    """What signs in the gateway."""
    return KeyRing.of(SigningKey.generate())


async def test_it_lets_in_whom_the_gateway_vouches_for(page: dict[str, Any], ring: KeyRing, clock: FakeClock) -> None:
    signer, published = AssertionSigner(ring), AssertionKeys(ring)
    asked = []

    def gateway(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(200, content=published.document)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(gateway)) as http:
        app = page["ledger"](http, clock)
        client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://ledger")

        async def ask(method: str, upstream: str | None, *obligations: str) -> httpx2.Response:
            now = clock.timestamp()
            token = upstream and signer.sign(upstream, MINA, zone="ledger", obligations=obligations, now=now)
            return await client.request(method, "/entries", headers={HEADER: token} if token else {})

        answer = await ask("GET", "ledger")
        assert answer.json() == {"person": "u-1", "name": "Mina", "organisation": "org-1"}
        assert (await ask("POST", "ledger", "read_only")).status_code == 403
        assert (await ask("POST", "ledger")).status_code == 200
        for refused in (await ask("GET", None), await ask("GET", "commerce")):
            assert (refused.status_code, refused.json()["code"]) == (401, "MJ-JOSE-001")
        assert asked == ["http://ledger.localhost:8080/.munjigi/assertion-keys"]


def test_any_library_verifies_by_the_published_keys(page: dict[str, Any], ring: KeyRing, clock: FakeClock) -> None:
    verified, now = page["verified"], clock.timestamp()
    jwks = json.loads(AssertionKeys(ring).document)
    token = AssertionSigner(ring).sign("ledger", MINA, zone="ledger", now=now)
    assert verified(token, jwks, now)["sub"] == "u-1"
    with pytest.raises(ExpiredTokenError):
        verified(token, jwks, now + LIFETIME + 1)
    with pytest.raises(JoseError):
        verified(AssertionSigner(ring).sign("commerce", MINA, zone="shop", now=now), jwks, now)
    with pytest.raises(JoseError):
        verified(AssertionSigner(KeyRing.of(SigningKey.generate())).sign("ledger", MINA, zone="z", now=now), jwks, now)
    with pytest.raises(ValueError, match="not an assertion"):
        verified(sign(ring.active, {"aud": "x"}, typ="at+jwt"), jwks, now)


def test_its_route_is_taken_up(tmp_path: Path) -> None:
    ((_, route),) = blocks(PAGE, "toml")
    file = tmp_path / "routes.toml"
    file.write_text((PROJECT / "config" / "shipped" / "routes.toml").read_text(encoding="utf-8") + route)
    found = load_route_table(file, runtime=tmp_path, port=8080).find(b"ledger.localhost", b"/entries")
    assert found is not None
    assert (found.zone.name, found.upstream) == ("ledger", "ledger")


def test_its_rules_can_be_published(page: dict[str, Any]) -> None:
    rules = page["lines"].rules
    policy = Policy(("customer", "administrator"), (Zone("ledger", assurance=2), Zone("admin")), rules, ())
    compile_policy(policy, 1)
    # on its own it shuts administrators out, as it should: it is meant to be added to a whole policy
    assert [finding.fault for finding in lint(policy)] == ["administrator_locked_out"]
