"""What `docs/how-to/register-clients.md` shows: the file registers, and a client registers and renames itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit.trail import Kind
from cli.main import app
from config.clock import SystemClock
from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from idp.clients.invalid import InvalidRegistration
from idp.clients.register import InitialAccessToken, hash_token
from idp.clients.registration import ADMINISTRATOR, read_registration
from idp.protocol import fapi2
from idp.storage import initial_access_tokens
from tests.cli.test_sessions import environment
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.provider import running_provider

PAGE = PROJECT / "docs" / "how-to" / "register-clients.md"


def test_its_file_registers_a_client(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(defined_by(PAGE)["SHOP"]), encoding="utf-8")
    arguments = ["clients", "add", "--json", "--file", str(file)]
    told = json.loads(CliRunner().invoke(app, arguments, env=environment(settings)).stdout)
    assert (told["client_id"], told["client_name#ko"], len(told["client_secret"])) == ("shop", "가게", 43)
    again = json.loads(CliRunner().invoke(app, arguments, env=environment(settings)).stdout)
    assert "client_secret" not in again


def test_its_bank_is_held_to_fapi_by_each_of_its_members() -> None:
    bank = {name: value for name, value in defined_by(PAGE)["BANK"].items() if name != "client_id"}
    found = read_registration(bank, ADMINISTRATOR, client_id="bank")
    assert fapi2.is_bound(found)
    assert fapi2.client_faults(found) == ()
    for member in ("token_endpoint_auth_method", "require_pushed_authorization_requests", "dpop_bound_access_tokens"):
        without = {name: value for name, value in bank.items() if name != member}
        with pytest.raises(InvalidRegistration, match="fapi2"):
            read_registration(without, ADMINISTRATOR, client_id="bank")


async def test_a_client_registers_and_renames_itself(
    settings: Settings, database: Callable[[Role], Database], valkey: Valkey
) -> None:
    page, clock = defined_by(PAGE), SystemClock()
    by_token = settings.model_copy(update={"idp": settings.idp.model_copy(update={"registration": "token"})})
    async with running_provider(by_token, database("idp"), valkey, clock) as provider:
        token = InitialAccessToken(
            id=provider.parts.entropy.uuid(),
            organisation_id=None,
            label="partners",
            uses_left=1,
            created_by=provider.parts.entropy.uuid(),
            created_at=clock.now(),
            expires_at=clock.now() + timedelta(hours=1),
        )
        async with provider.parts.database.begin() as tx:
            assert await initial_access_tokens.add(tx, token, hash_token("initial"))
        async with provider.client() as http:
            client = await page["register"](http, "initial")
            renamed = await page["rename"](http, client, "Partners")
        assert renamed["client_name"] == "Partners"
        found = await provider.parts.clients.find(client["client_id"])
        assert found is not None
        assert found.has_secret(client["client_secret"])


def test_what_it_says_is_left_behind_is_what_the_audit_knows() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## 4.")[2]
    kinds = set(re.findall(r"`([a-z]+_[a-z_]+)`", section))
    assert len(kinds) == 9
    assert kinds <= {kind.value for kind in Kind}
