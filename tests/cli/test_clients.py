"""`munjigi clients`: everything that is done to a client, at the terminal and in scripts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from cli.failures import exit_status
from cli.main import app
from config.connections import open_database
from config.settings import Settings
from idp.clients.client import hash_secret
from tests.cli.test_sessions import environment

FILE = {"client_id": "shop", "redirect_uris": ["https://shop.example/callback"], "client_name": "Shop"}


@pytest.fixture
def munjigi(settings: Settings, tmp_path: Path) -> Callable[..., Result]:
    """Runs a command; what is given as `file` is written to one."""

    def run(*arguments: str, file: object = None) -> Result:
        more: list[str] = []
        if file is not None:
            path = tmp_path / "client.json"
            path.write_text(json.dumps(file), encoding="utf-8")
            more = ["--file", str(path)]
        return CliRunner().invoke(app, ["clients", *arguments, *more], env=environment(settings))

    return run


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    read: dict[str, Any] = json.loads(result.stdout)
    return read


def rows(settings: Settings, statement: str) -> list[Any]:
    """A command has a loop of its own, so its tests have none around it."""

    async def ask() -> list[Any]:
        database = open_database(settings, "owner")
        try:
            async with database.connect() as tx:
                return list(await tx.execute(text(statement)))
        finally:
            await database.dispose()

    return asyncio.run(ask())


def test_a_client_is_added_once_and_shown(munjigi: Callable[..., Result]) -> None:
    first = told(munjigi("add", "--json", file=FILE))
    assert len(first.pop("client_secret")) == 43
    assert told(munjigi("add", "--json", file=FILE)) == first, "it is there already, and its secret is not shown again"
    assert told(munjigi("show", "shop", "--json")) == first
    assert told(munjigi("list", "--json")) == first
    assert first["version"] == 1
    assert "shop" in munjigi("list").output
    assert "client_name: Shop" in munjigi("show", "shop").output
    otherwise = munjigi("add", file={**FILE, "client_name": "Bakery"})
    assert otherwise.exception is not None
    assert exit_status(otherwise.exception) == (65, "shop is there already, otherwise; see `munjigi clients change`")


def test_a_client_is_changed_switched_given_a_secret_and_removed(
    munjigi: Callable[..., Result], settings: Settings
) -> None:
    secret = told(munjigi("add", "--json", "--why", "a new shop", file=FILE))["client_secret"]
    shown = told(munjigi("show", "shop", "--json"))
    changed = told(munjigi("change", "shop", "--json", file={**shown, "scope": "openid"}))
    assert (changed["scope"], changed["version"]) == ("openid", 2)
    assert told(munjigi("change", "shop", "--json", file={**changed})) == changed, "nothing is left to change"
    stale = munjigi("change", "shop", file={**shown, "scope": "email"})
    assert stale.exception is not None
    assert "version 2" in exit_status(stale.exception)[1]
    assert told(munjigi("disable", "shop", "--json"))["enabled"] is False
    assert told(munjigi("disable", "shop", "--json"))["version"] == 3
    assert told(munjigi("enable", "shop", "--json"))["enabled"] is True
    new = told(munjigi("secret", "shop", "--json"))["client_secret"]
    assert new != secret
    [kept] = rows(settings, "SELECT secret_hash FROM idp.client")
    assert kept.secret_hash == hash_secret(new)
    assert munjigi("remove", "shop").exit_code == 1, "nobody said yes"
    assert "removed" in munjigi("remove", "shop", "--yes").output
    assert "there was none" in munjigi("remove", "shop", "--yes").output
    kinds = rows(settings, "SELECT kind, actor, details FROM audit.record ORDER BY id")
    assert [row.kind for row in kinds] == [
        "client_registered",
        "client_changed",
        "client_disabled",
        "client_enabled",
        "client_secret_changed",
        "client_removed",
    ]
    assert {row.actor for row in kinds} == {"operator"}
    assert kinds[0].details == {"why": "a new shop"}
    events = rows(settings, "SELECT payload FROM events.outbox WHERE topic = 'client'")
    assert [row.payload["client_id"] for row in events] == ["shop"] * len(kinds)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ({**FILE, "redirect_uris": ["http://shop.example/"]}, "invalid_redirect_uri"),
        ({**FILE, "no_such_member": 1}, "no_such_member"),
        ({**FILE, "organisation": "5b1d2f0c-6c0e-4c52-9a55-0d6f3c3d7a09"}, "there is no organisation"),
    ],
)
def test_what_cannot_be_is_told(
    munjigi: Callable[..., Result], settings: Settings, file: dict[str, object], words: str
) -> None:
    result = munjigi("add", file=file)
    assert result.exception is not None
    status, said = exit_status(result.exception)
    assert status == 65
    assert words in said
    assert rows(settings, "SELECT * FROM idp.client") == []


def test_a_file_that_is_none(munjigi: Callable[..., Result]) -> None:
    for file in ([], "x", {**FILE, "client_id": "a b"}, {**FILE, "organisation": "x"}):
        assert munjigi("add", file=file).exit_code == 2


def test_a_part_of_the_house_is_left_alone(munjigi: Callable[..., Result]) -> None:
    told(munjigi("add", "--json", file={**FILE, "client_id": "munjigi-gateway"}))
    for act in (("disable",), ("secret",), ("remove", "--yes")):
        result = munjigi(act[0], "munjigi-gateway", *act[1:])
        assert result.exception is not None
        assert "part of the house" in exit_status(result.exception)[1]
    missing = munjigi("show", "nobody")
    assert missing.exception is not None
    assert exit_status(missing.exception)[0] == 65
