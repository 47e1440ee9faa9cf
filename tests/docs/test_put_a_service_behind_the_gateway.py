"""The service of `docs/how-to/put-a-service-behind-the-gateway.md` lets in whom the gateway vouches for alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config.connections import Database
from config.envelope import Envelope
from config.settings import Role, Settings
from gateway.routes.route_file import load_route_table
from jose.assertion import HEADER, AssertionSigner, Subject
from jose.storage.keys import SigningKeys
from policy.artefact import Policy, Zone
from policy.lint import lint
from policy.snapshot import compile_policy
from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, blocks, defined_by

PAGE = PROJECT / "docs" / "how-to" / "put-a-service-behind-the-gateway.md"
MINA = Subject(sid="a-session", sub="u-1", org="org-1", roles=("customer",), name="Mina")

OpenDatabase = Callable[[Role], Database]


@pytest.fixture
def page() -> dict[str, Any]:
    """What the page's blocks define."""
    return defined_by(PAGE)


@pytest.fixture
async def signer(settings: Settings, database: OpenDatabase, clock: FakeClock) -> AssertionSigner:
    """What signs in the gateway."""
    async with database("gateway").begin() as tx:
        ring = await SigningKeys(Envelope.load(settings)).ensure_active(tx, "assertion", clock.now())
    return AssertionSigner(ring)


async def test_it_lets_in_whom_the_gateway_vouches_for(
    page: dict[str, Any], settings: Settings, signer: AssertionSigner, clock: FakeClock, tmp_path: Path
) -> None:
    keys = tmp_path / "assertion-keys.json"
    await page["write_keys"](settings, keys)
    app = page["ledger"](keys, clock)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://ledger") as client:

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
