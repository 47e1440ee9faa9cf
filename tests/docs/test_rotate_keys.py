"""What `docs/how-to/rotate-keys.md` shows is so: its commands do what they say, and its keys are found in time."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from audit import key_trail
from cli.main import app
from config.sections.identity import KeySettings
from config.settings import Settings
from jose.key_keeper import KeyKeeper, Order
from jose.rotation import Schedule
from jose.storage.keys import SigningKeys
from tests.cli.test_keys import installed
from tests.cli.test_sessions import environment
from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, blocks, defined_by
from tests.idp.conftest import provider
from tests.idp.provider import Provider

__all__ = ["installed", "provider"]

PAGE = PROJECT / "docs" / "how-to" / "rotate-keys.md"
DAY = 86_400


def test_its_commands_do_what_they_say(installed: Settings) -> None:
    lines = [line for _, block in blocks(PAGE, "sh") for line in block.splitlines()]
    said = []
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "munjigi"
        done = CliRunner().invoke(app, arguments, env=environment(installed))
        assert done.exit_code == 0, done.output
        said.append(done.output)
    listed, tokens, assertion, leak = said
    assert listed.count(" active ") == 4
    assert tokens.count("is published, and signs from") == 2
    assert assertion.count("is published, and signs from") == 1
    assert (leak.count("is believed no more"), leak.count("signs now")) == (7, 4)


def test_its_times_are_the_defaults() -> None:
    assert KeySettings() == KeySettings(rotate_every=30 * DAY, publish_ahead=DAY)
    kept = Schedule.of(Settings()).keep
    assert kept == timedelta(seconds=Settings().session.absolute_lifetime + 300 + 15 * 60)


async def test_its_keys_are_there_whenever_a_token_names_them(provider: Provider, clock: FakeClock) -> None:
    parts = provider.parts
    schedule = Schedule(rotate_every=timedelta(days=30), publish_ahead=timedelta(days=1), keep=timedelta(hours=13))
    keeper = KeyKeeper("token", SigningKeys(parts.envelope), schedule, key_trail.tell)
    asked = 0

    def fetch() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return dict(parts.keys.ring().jwks())

    keys = defined_by(PAGE)["PublishedKeys"](fetch, clock.timestamp)
    former = parts.keys.ring().active.kid
    for how in ("rotate", "keep", "keep"):
        async with parts.database.begin() as tx:
            await getattr(keeper, how)(tx, Order(who="a test", why=""), clock.now())
        await parts.keys.reload()
        clock.advance(60)
        for signer in parts.keys.ring().signers.values():
            assert keys.find(signer.kid) is not None
        clock.advance(DAY)
    assert parts.keys.ring().active.kid != former
    assert keys.find(former) is None
    times = asked
    for _ in range(3):
        assert keys.find("a stranger's") is None
    assert asked == times, "nobody can make it ask again and again"
    clock.advance(5)
    assert keys.find("a stranger's") is None
    assert asked == times + 1


@pytest.mark.parametrize("kind", ["key_published", "key_activated", "key_retiring", "key_retired"])
def test_it_names_the_records(kind: str) -> None:
    assert kind in key_trail._KINDS.values()
    assert f"`{kind}`" in PAGE.read_text(encoding="utf-8")
