"""What `docs/how-to/import-people.md` shows works, and its table of schemes is that of the tests."""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from cli.main import app
from config.clock import SystemClock
from config.connections import open_database
from config.settings import Settings
from idp.directory.account import Organisation
from idp.importing.person import Entry
from idp.storage import directory
from tests.cli.test_sessions import environment
from tests.docs import hash_table
from tests.docs.test_examples import PROJECT, blocks

PAGE = PROJECT / "docs" / "how-to" / "import-people.md"


def test_the_table_of_schemes_is_what_is_made_of_them() -> None:
    assert hash_table.PAGE.read_text(encoding="utf-8") == hash_table.page(), "run `python -m tests.docs.hash_table`"


def test_every_member_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in Entry.__struct_fields__)


def test_its_commands_do_what_they_say(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def begin() -> None:
        database = open_database(settings, "idp")
        operator = Organisation(
            id=settings.policy.operator, name="Operator", time_zone="Asia/Seoul", duplicate_login=None
        )
        async with database.begin() as tx:
            await directory.put_organisation(tx, operator, SystemClock().now())
        await database.dispose()

    asyncio.run(begin())
    monkeypatch.chdir(tmp_path)
    [(_, people)] = blocks(PAGE, "csv")
    Path("people.csv").write_text(people, encoding="utf-8")
    said, batch = [], ""
    for _, block in blocks(PAGE, "sh"):
        for line in block.splitlines():
            program, *arguments = shlex.split(line.replace("BATCH", batch))
            assert program == "munjigi"
            done = CliRunner().invoke(app, arguments, env=environment(settings))
            assert done.exit_code == 0, done.output
            said.append(done.output)
            batch = done.output.removeprefix("batch: ").partition("\n")[0] if "--why" in arguments else batch
    surveyed, brought, verified, listed, undone, secret = said
    assert "created: 3" in surveyed
    assert "created: 3" in brought
    assert 'passwords: {"bcrypt":{"kept":1},"ldap":{"wrapped":1}}' in brought
    assert "sound: true" in verified
    assert batch[:4] in listed
    assert "removed: 3" in undone
    assert secret.startswith("whsec_")


def test_its_answers_are_json() -> None:
    [(_, answers)] = blocks(PAGE, "json")
    [yes, no] = [json.loads(line) for line in answers.splitlines()]
    assert no == {"verified": False}
    assert msgspec.convert({"login_name": "jun", **yes["person"]}, Entry).roles == ["customer"]
