"""What `docs/how-to/choose-which-keys-may-sign-in.md` shows: rules that the administration and the command take."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from config.connections import open_database
from config.sections.identity import IdentityProviderSettings
from config.settings import Settings
from idp.factors.metadata import REFUSING
from tests.cli.test_sessions import environment
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.administration.conftest import House, house
from tests.idp.makers import MetadataService
from tests.idp.people import HOUSE, add_person

__all__ = ["house"]

PAGE = PROJECT / "docs" / "how-to" / "choose-which-keys-may-sign-in.md"
RULES = f"/organisations/{HOUSE}/authentication"
SERVICE = MetadataService()


@pytest.fixture
def rules() -> dict[str, Any]:
    return dict(defined_by(PAGE)["ONLY_OURS"])


@pytest.mark.parametrize("name", ["ONLY_OURS", "NO_TEXTS"])
async def test_its_rules_are_taken(house: House, name: str) -> None:
    rules = defined_by(PAGE)[name]
    read = await house("GET", RULES)
    kept = await house("PUT", RULES, rules, headers={"If-Match": read.headers["etag"]})
    assert kept.status_code == 200, kept.text
    told = kept.json()
    assert told["attestation"] == rules["attestation"]
    assert told["methods"] == rules["methods"]
    assert told["models_known"] is True
    assert (told["forbidden"], told["verified_approvals"]) == (
        rules.get("forbidden", []),
        rules.get("verified_approvals", False),
    )


def test_a_command_takes_the_same(settings: Settings, tmp_path: Path, rules: dict[str, Any]) -> None:
    (tmp_path / "blob.jwt").write_bytes(SERVICE.document())
    (tmp_path / "roots.pem").write_bytes(SERVICE.root.pem)
    fields = IdentityProviderSettings.model_fields
    assert {"passkey_metadata", "passkey_metadata_roots", "passkey_metadata_signer"} <= fields.keys()
    known = {
        "MUNJIGI_IDP__PASSKEY_METADATA": str(tmp_path / "blob.jwt"),
        "MUNJIGI_IDP__PASSKEY_METADATA_ROOTS": str(tmp_path / "roots.pem"),
    }
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"{name}=" in page for name in known)
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({name: value for name, value in rules.items() if name != "why"}), encoding="utf-8")
    asyncio.run(add_house(settings))
    run, env = CliRunner(), environment(settings)
    command = ["organisations", "authentication"]
    change = [*command, "change", str(HOUSE), "--json", "--why", "x", "--file", str(file)]
    assert "passkey_metadata" in str(run.invoke(app, change, env=env).exception), "no model is known without a file"
    told = json.loads(run.invoke(app, change, env={**env, **known}).stdout)
    assert (told["attestation"], told["methods"], told["version"]) == (rules["attestation"], rules["methods"], 1)
    assert json.loads(run.invoke(app, [*command, "show", str(HOUSE), "--json"], env=env).stdout) == {
        **told, "models_known": False,
    }  # fmt: skip
    file.write_text(json.dumps(told), encoding="utf-8")
    again = json.loads(run.invoke(app, change, env={**env, **known}).stdout)
    assert again == told, "nothing is left to change"
    file.write_text(json.dumps({**told, "version": 7}), encoding="utf-8")
    assert "version 1" in str(run.invoke(app, change, env={**env, **known}).exception)


async def add_house(settings: Settings) -> None:
    database = open_database(settings, "idp")
    async with database.begin() as tx:
        await add_person(tx)
    await database.dispose()


def test_every_status_that_refuses_is_named() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{status}`" in page for status in REFUSING)
