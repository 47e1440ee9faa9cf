"""What `docs/how-to/lead-people-to-mfa.md` shows works."""

from __future__ import annotations

import asyncio
import shlex
from typing import get_args

import msgspec
import pytest
from typer.testing import CliRunner

from cli.main import app
from config.clock import SystemClock
from config.connections import open_database
from config.settings import Settings
from idp.directory.account import Account, Organisation
from idp.rollout.cohorts import Rule, check_rule
from idp.rollout.phases import PhaseState
from idp.rollout.reminders import PLACEHOLDERS
from idp.rollout.template import read, shipped
from idp.storage import directory
from tests.cli.test_sessions import environment
from tests.docs.test_examples import PROJECT, blocks

PAGE = PROJECT / "docs" / "how-to" / "lead-people-to-mfa.md"


@pytest.fixture
def house(settings: Settings) -> Settings:
    """An organisation with one administrator."""

    async def begin() -> None:
        database, now = open_database(settings, "idp"), SystemClock().now()
        ident = settings.policy.operator
        operator = Organisation(id=ident, name="Operator", time_zone="Asia/Seoul", duplicate_login=None)
        mina = Account(
            id=ident, login_name="mina", display_name="Mina", email=None, locale="ko", state="active", version=1
        )
        async with database.begin() as tx:
            await directory.put_organisation(tx, operator, now)
            await directory.add_account(tx, mina, now)
            await directory.put_membership(tx, mina.id, ident, ("administrator",), now)
        await database.dispose()

    asyncio.run(begin())
    return settings


def run(settings: Settings, line: str) -> tuple[int, str]:
    program, *arguments = shlex.split(line)
    assert program == "munjigi"
    done = CliRunner().invoke(app, arguments, env=environment(settings))
    return done.exit_code, done.output + (str(done.exception) if done.exception else "")


def test_its_commands_do_what_they_say(house: Settings) -> None:
    organisation = str(house.policy.operator)
    said, programme = [], ""
    for _, block in blocks(PAGE, "sh"):
        for line in block.splitlines():
            shown = line.replace("PROGRAMME", programme).replace("5b1d2f0c-6c0e-4c52-9a55-0d6f3c3d7a01", organisation)
            code, output = run(house, shown)
            assert code == 0, (shown, output)
            said.append(output)
            programme = programme or output.split()[0]
    started, status, preview, *acts, granted, listed, legacy = said
    assert "goes on by hand" in started
    assert programme in status
    assert "1 people, of whom 0 have what is asked for" in preview
    states = [one.split("state: ")[1].split("\n")[0] for one in acts]
    assert states == ["announced", "running", "paused", "running", "enforced", "rolled_back", "draft"]
    assert "on leave" in granted
    assert "on leave" in listed
    assert "without_password: 1" in legacy
    widen = f"munjigi rollout widen {programme} mfa-high-risk --to 50"
    assert "a reason is needed" in run(house, widen)[1]
    code, output = run(house, f"{widen} --why more")
    assert code != 0
    assert "not now: state" in output


def test_an_old_system_is_not_stopped_while_people_need_it(house: Settings) -> None:
    organisation = str(house.policy.operator)
    named = f"munjigi users old-system {organisation}"
    assert run(house, f"{named} --address https://old.example.com/verify")[0] == 0
    code, output = run(house, f"{named} --stop")
    assert code != 0
    assert "1 people have no password here yet" in output
    assert run(house, f"{named} --stop --although-needed")[0] != 0, "not without a reason"
    code, output = run(house, f"{named} --stop --although-needed --why gone")
    assert (code, "asked no more" in output) == (0, True)


def test_its_rule_can_be_used() -> None:
    [(_, rule)] = blocks(PAGE, "json")
    check_rule(msgspec.json.decode(rule, type=Rule))


def test_it_tells_every_state_and_every_placeholder() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in (*get_args(PhaseState), *(f"{{{one}}}" for one in PLACEHOLDERS)):
        assert f"`{name}`" in text


def test_the_template_that_is_printed_is_the_shipped_one() -> None:
    done = CliRunner().invoke(app, ["rollout", "template"])
    assert read(done.output) == shipped()
