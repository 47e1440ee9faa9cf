"""`munjigi keys`: what there is, and its rotation by command."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

import policy.demo
from cli.keys import all_keys
from cli.main import app
from config.connections import open_database
from config.envelope import Envelope
from config.settings import Settings
from jose.keys import Purpose
from jose.storage.keys import SigningKeys
from tests.cli.test_sessions import environment
from tests.clock import FakeClock
from tests.keys import seed_rsa_key

WHY = "a laptop was stolen"


@pytest.fixture
def installed(settings: Settings, clock: FakeClock) -> Settings:
    """Settings with the keys of a first start."""

    async def make() -> None:
        owner = open_database(settings, "owner")
        keys = SigningKeys(Envelope.load(settings))
        await seed_rsa_key(owner, settings, clock.now())
        async with owner.begin() as tx:
            for purpose in ("token", "assertion"):
                await keys.ensure_active(tx, purpose, clock.now())  # type: ignore[arg-type] # both are purposes
        await owner.dispose()
        await policy.demo.load(settings, clock)

    asyncio.run(make())
    return settings


def munjigi(settings: Settings, *arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["keys", *arguments], input=answer, env=environment(settings))


def listed(settings: Settings) -> list[tuple[str, ...]]:
    said = munjigi(settings, "list")
    assert said.exit_code == 0, said.output
    return [tuple(line.split()[:4]) for line in said.output.splitlines()]


def audited(settings: Settings) -> set[tuple[str, str, str]]:
    async def ask() -> set[tuple[str, str, str]]:
        owner = open_database(settings, "owner")
        async with owner.connect() as tx:
            rows = await tx.execute(text("SELECT kind, actor, details ->> 'why' FROM audit.record"))
            found = {(str(row[0]), str(row[1]), str(row[2])) for row in rows}
        await owner.dispose()
        return found

    return asyncio.run(ask())


def test_each_key_is_listed_and_no_secret(installed: Settings) -> None:
    states = {(purpose, algorithm, state) for purpose, algorithm, state, _ in listed(installed)}
    assert states == {
        ("token", "ES256", "active"),
        ("token", "RS256", "active"),
        ("assertion", "ES256", "active"),
        ("policy", "ES256", "active"),
    }
    for line in munjigi(installed, "list").output.splitlines():
        assert re.fullmatch(r"\w+ +[ER]S256  \w+ +[\w-]{43}  since [\d-]{10} [\d:]{8}[+-][\d:]{5}", line), line


def test_a_rotation_is_begun_and_says_when_what_happens(installed: Settings) -> None:
    said = munjigi(installed, "rotate", "--purpose", "assertion")
    assert said.exit_code == 0, said.output
    assert re.fullmatch(r"assertion ES256 [\w-]{43} is published, and signs from .+\n", said.output)
    assert [line[2] for line in listed(installed) if line[0] == "assertion"] == ["active", "next"]
    assert len([line for line in listed(installed) if line[0] == "token"]) == 2
    again = munjigi(installed, "rotate", "--purpose", "assertion")
    assert (again.exit_code, again.output) == (
        0,
        "a rotation is under way already; `munjigi keys list` shows it\n",
    )
    assert ("key_published", "operator", "rotation by command") in audited(installed)


def test_the_keys_of_tokens_are_meant_unless_others_are_named(installed: Settings) -> None:
    assert munjigi(installed, "rotate").exit_code == 0
    following = [line[:2] for line in listed(installed) if line[2] == "next"]
    assert sorted(following) == [("token", "ES256"), ("token", "RS256")]


def test_a_next_key_is_prepared_and_withdrawn(installed: Settings) -> None:
    said = munjigi(installed, "prepare", "--purpose", "policy")
    assert re.fullmatch(r"policy ES256 [\w-]{43} is published, and signs from .+\n", said.output), said.output
    assert munjigi(installed, "prepare", "--purpose", "policy").output.startswith("the next key is there already")
    assert ("key_published", "operator", "prepared by command") in audited(installed)
    [following] = [line[3] for line in listed(installed) if line[2] == "next"]
    assert munjigi(installed, "retire", following).exit_code == 2, "it wants a reason"
    assert munjigi(installed, "retire", following, "--why", " ").exit_code == 2
    done = munjigi(installed, "retire", following, "--why", WHY)
    assert (done.exit_code, done.output) == (0, f"policy ES256 {following} is believed no more\n")
    assert ("key_retired", "operator", WHY) in audited(installed)
    [active] = [line[3] for line in listed(installed) if line[0] == "policy"]
    for kid in (following, active):
        assert munjigi(installed, "retire", kid, "--why", WHY).exit_code == 2


def test_a_leak_is_answered_at_once_after_its_price_was_told(installed: Settings) -> None:
    before = {line[3] for line in listed(installed)}
    refused = munjigi(installed, "rotate", "--now", "--why", WHY, answer="n\n")
    assert refused.exit_code == 1
    assert "Every access token and ID token that was issued is refused at once" in refused.output
    assert {line[3] for line in listed(installed)} == before
    assert munjigi(installed, "rotate", "--now", "--yes").exit_code == 2, "it wants a reason"
    done = munjigi(installed, "rotate", "--now", "--purpose", "all", "--why", WHY, "--yes")
    assert done.exit_code == 0, done.output
    assert done.output.count("is believed no more") == 4
    assert done.output.count("signs now") == 4
    assert not {line[3] for line in listed(installed)} & before
    assert {("key_retired", "operator", WHY), ("key_activated", "operator", WHY)} <= audited(installed)


def test_all_purposes_change_or_none(installed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = listed(installed)
    move = SigningKeys.move

    async def failing(self: SigningKeys, tx: object, purpose: Purpose, *rest: object) -> object:
        if purpose == "policy":
            raise RuntimeError("the last of them")
        return await move(self, tx, purpose, *rest)  # type: ignore[arg-type] # handed on

    monkeypatch.setattr(SigningKeys, "move", failing)

    async def rotate() -> None:
        async with all_keys(installed) as keys:
            await keys.rotate(("token", "assertion", "policy"), WHY, at_once=False)

    with pytest.raises(RuntimeError):
        asyncio.run(rotate())
    assert listed(installed) == before
