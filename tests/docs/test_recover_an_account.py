"""The commands, addresses and kinds of `docs/how-to/recover-an-account.md` are there, and do what it says."""

from __future__ import annotations

import asyncio
import re
import shlex

from typer.testing import CliRunner

from audit.trail import Kind
from cli.main import app
from config.connections import open_database
from config.settings import Settings
from idp.administration.problems import TWO_ADMINISTRATORS
from idp.factors.recovery_code import COUNT, FEW
from notifications.letter import FEW_CODES
from tests.cli.test_sessions import environment
from tests.docs.test_examples import PROJECT, blocks
from tests.idp.administration.conftest import House, house
from tests.idp.people import add_person

__all__ = ["house"]

PAGE = PROJECT / "docs" / "how-to" / "recover-an-account.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_its_commands_do_what_they_say(settings: Settings) -> None:
    async def begin() -> None:
        database = open_database(settings, "idp")
        async with database.begin() as tx:
            for name, role in (("jun", "administrator"), ("ada", "administrator"), ("mina", "customer")):
                await add_person(tx, name, roles=(role,))
        await database.dispose()

    asyncio.run(begin())
    [(_, commands)] = blocks(PAGE, "sh")
    reset, said = "", []
    for line in commands.splitlines():
        program, *arguments = shlex.split(line.replace("RESET", reset))
        assert program == "munjigi"
        done = CliRunner().invoke(app, arguments, env=environment(settings))
        assert done.exit_code == 0, done.output
        said.append(done.output)
        found = re.search(r"^reset: (\S+)$", done.output, re.MULTILINE)
        reset = found[1] if found else reset
    asked, waiting, approved, listed = said
    assert len(re.findall(r"\d{4}", asked.partition("code: ")[2])) == 5, "twenty digits"
    assert "asked" in waiting
    assert "state: approved" in approved
    assert "code" not in approved
    assert "approved" in listed


async def test_its_addresses_are_the_apis(house: House) -> None:
    paths = (await house.got("/openapi.json"))["paths"]
    for method, path in re.findall(r"`(GET|POST|PUT) (/api/identity/[^`?]+)", TEXT):
        known = re.sub(r"\{id\}", "{organisation_id}", path)
        assert method.lower() in paths[known], path
    refused = await house("POST", f"/people/{house.mina.id}/factors/reset", {"why": "x", "version": 1})
    assert refused.json()["code"] == TWO_ADMINISTRATORS.code
    assert TWO_ADMINISTRATORS.code in TEXT


def test_what_it_counts_is_so(settings: Settings) -> None:
    assert COUNT == 10
    assert FEW == FEW_CODES == 2
    assert settings.idp.recovery_wait == 24
    on_record = re.findall(r"`([a-z]+_[a-z_]+)`", TEXT.partition("## On record")[2])
    assert len(on_record) > 8
    assert set(on_record) <= {str(kind) for kind in Kind}
