"""What `docs/how-to/describe-scopes.md` shows: an API that the administration takes, and people's words for it."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from cli.main import app
from config.settings import Settings
from tests.cli.test_sessions import environment
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.administration.conftest import House, house
from tests.idp.people import HOUSE

__all__ = ["house"]

PAGE = PROJECT / "docs" / "how-to" / "describe-scopes.md"


async def test_its_api_is_taken(house: House) -> None:
    asked = {**defined_by(PAGE)["ORDERS"], "organisation_id": str(HOUSE)}
    made = await house("POST", "/resources", asked)
    assert made.status_code == 201, made.text
    assert {name: made.json()[name] for name in asked if name not in ("why", "scopes")} == {
        name: asked[name] for name in asked if name not in ("why", "scopes")
    }
    assert sorted(made.json()["scopes"], key=str) == sorted(asked["scopes"], key=str)


def test_a_command_takes_the_same(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "orders.json"
    file.write_text(
        json.dumps({name: value for name, value in defined_by(PAGE)["ORDERS"].items() if name != "why"}),
        encoding="utf-8",
    )
    arguments = ["resources", "add", "--json", "--why", "partners", "--file", str(file)]
    told = json.loads(CliRunner().invoke(app, arguments, env=environment(settings)).stdout)
    assert (told["access_token_lifetime"], len(told["scopes"])) == (60, 2)
