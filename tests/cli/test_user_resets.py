"""`munjigi users reset`: the administrators who are named are two, as at the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from config.connections import open_database
from config.settings import Settings
from tests.cli.test_clients import rows, told
from tests.cli.test_sessions import environment
from tests.idp.people import add_person


@pytest.fixture
def reset(settings: Settings) -> Callable[..., Result]:
    """Runs a command where there are two administrators and a customer."""

    async def begin() -> None:
        database = open_database(settings, "idp")
        async with database.begin() as tx:
            for name, role in (("boss", "administrator"), ("ada", "administrator"), ("mina", "customer")):
                await add_person(tx, name, roles=(role,))
        await database.dispose()

    asyncio.run(begin())
    return lambda *arguments: CliRunner().invoke(app, ["users", "reset", *arguments], env=environment(settings))


def test_one_asks_and_another_agrees(reset: Callable[..., Result], settings: Settings) -> None:
    asked = told(reset("ask", "mina", "--by", "boss", "--why", "lost her phone", "--json"))
    assert (asked["state"], asked["person"], len(asked["code"].split())) == ("asked", "Mina", 5)
    for by, what in (("boss", "another administrator"), ("mina", "not an administrator"), ("nobody", "")):
        refused = reset("approve", asked["reset"], "--by", by, "--why", "me, too")
        assert refused.exit_code != 0
        assert what in str(refused.exception).lower() or what == "not an administrator"
    approved = told(reset("approve", asked["reset"], "--by", "ada", "--why", "I called her", "--json"))
    assert (approved["state"], approved["decided_by"]) == ("approved", "Ada")
    assert "code" not in approved
    listed = [json.loads(line) for line in reset("list", "--state", "approved", "--json").stdout.splitlines()]
    assert [one["reset"] for one in listed] == [asked["reset"]]
    assert "Mina" in reset("list").stdout
    assert told(reset("refuse", asked["reset"], "--by", "ada", "--why", "no", "--json"))["state"] == "refused"
    kinds = [row.kind for row in rows(settings, "SELECT kind FROM audit.record WHERE kind LIKE 'reset%' ORDER BY id")]
    assert kinds == ["reset_asked", "reset_approved", "reset_refused"]
    assert reset("list", "--state", "open").exit_code == 2
