"""A zone or a route demands scopes of access tokens, and says which (RFC 6750, section 3.1)."""

from __future__ import annotations

import msgspec
import pytest

from gateway.exchange import Answer, Forward, Verdict
from gateway.routes.route_file import RouteTableError, load_route_table
from tests.gateway.rig import ROUTES, Rig, bearer, head

ZONE = "[zones.shop]\n"
SCOPED = (
    ROUTES.replace(ZONE, f'{ZONE}scopes = ["ledger.read"]\n')
    + """
[[routes]]
address = "shop.localhost:8080"
path = "/ledger"
zone = "shop"
upstream = "commerce"
scopes = [{ scope = "ledger.write", methods = ["POST", "PUT"] }]
"""
)


@pytest.fixture
async def ledger(rig: Rig, settings, tmp_path) -> Rig:
    path = tmp_path / "scoped.toml"
    path.write_text(SCOPED)
    rig.pipeline.use_table(load_route_table(path, runtime=settings.runtime, port=8080))
    await rig.project()
    return rig


HOST = (b"host", b"shop.localhost:8080")


async def ask(rig: Rig, scope: str, method: str = "GET") -> Verdict:
    return await rig.ask(head("/ledger/7", method=method, headers=[bearer(rig.token(scope=scope)), HOST]))


async def test_rfc_6750_3_1_a_token_that_lacks_a_scope_is_told_all_that_the_request_needs(ledger: Rig) -> None:
    refused = await ask(ledger, "openid ledger.read ledger.write.all", "POST")
    assert isinstance(refused, Answer)
    assert refused.status == 403
    challenge = dict(refused.headers)[b"www-authenticate"].decode()
    assert challenge.startswith("Bearer ")
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="ledger.read ledger.write"' in challenge
    assert "resource_metadata=" in challenge
    assert msgspec.json.decode(refused.body)["code"] == "MJ-GATEWAY-206"
    assert isinstance(await ask(ledger, "openid", "GET"), Answer), "the zone's own"
    assert isinstance(await ask(ledger, "openid ledger.read", "GET"), Forward)
    assert isinstance(await ask(ledger, "ledger.write ledger.read", "POST"), Forward)


async def test_it_is_asked_anew_of_a_token_that_is_known(ledger: Rig) -> None:
    """Warm, with the decision that stands: what one method may, another may not."""
    shown = bearer(ledger.token(scope="ledger.read"))
    for _ in range(2):
        assert isinstance(await ledger.ask(head("/ledger", headers=[shown])), Forward)
        assert isinstance(await ledger.ask(head("/ledger", method="PUT", headers=[shown])), Answer)


async def test_a_person_in_their_browser_needs_none(ledger: Rig) -> None:
    cookie = (b"cookie", await ledger.cookie())
    assert isinstance(await ledger.ask(head("/ledger", headers=[cookie])), Forward)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('scopes = ["a b"]', "is no scope"),
        ('scopes = [{ scope = "a", methods = [] }]', "names one at least"),
        ('scopes = [{ scope = "a\\"b", methods = ["GET"] }]', "is no scope"),
    ],
)
def test_what_is_no_scope_is_refused_with_the_file(entry: str, said: str, settings, tmp_path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(SCOPED.replace('scopes = ["ledger.read"]', entry))
    with pytest.raises(RouteTableError, match=said):
        load_route_table(path, runtime=settings.runtime, port=8080)
