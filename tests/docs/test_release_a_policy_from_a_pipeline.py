"""The commands of `docs/how-to/release-a-policy-from-a-pipeline.md` release a policy, over a real gateway."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from cli.policies import exits
from config.settings import Settings
from policy.admin.scopes import SCOPES
from tests.docs.test_examples import PROJECT, blocks, defined_by
from tests.policy.pipeline import Pipeline, pipeline

PAGE = PROJECT / "docs" / "how-to" / "release-a-policy-from-a-pipeline.md"


async def test_its_commands_release_a_policy(settings: Settings, tmp_path: Path) -> None:
    async with pipeline(settings, tmp_path) as at:
        for command in _commands():
            if command.startswith("munjigi policy lint"):
                _change(tmp_path / "policy")
            sha256 = (await at.told("munjigi policy show 3"))["version"]["sha256"] if "$SHA256" in command else ""
            who = "reviewer" if " approve " in command else "pipeline"
            ran = await at.run(command.replace("$SHA256", sha256), client_id=who)
            assert ran.exit_code == 0, (command, ran)
            if command.startswith("munjigi policy import"):
                assert "version 3 is a draft" in ran.stdout, "the page names it by its number"
        await asyncio.to_thread(_give_role, at)


def _commands() -> list[str]:
    return [line for _, block in blocks(PAGE, "sh") for line in block.splitlines()]


def _change(folder: Path) -> None:
    for language, name in (("csv", "rules.csv"), ("toml", "policy.toml")):
        [(_, block)] = blocks(PAGE, language)
        path = folder / name
        path.write_text(f"{path.read_text()}\n{block}")


def _give_role(at: Pipeline) -> None:
    give_role = defined_by(PAGE)["give_role"]
    with at.client() as client:
        number = give_role(client, "u-1", "support", "they answer the phone")
        assert [one.id for one in client.contents.assignments(subject="u-1")] == ["u-1~support"]
        assert client.versions.current().value.version.number == number


def test_its_table_has_every_exit_status() -> None:
    told = {int(status) for status in re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)}
    ours = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert told == {0, 2, *ours}


def test_its_table_has_every_scope() -> None:
    assert set(re.findall(r"^\| `(policy:[a-z]+)`", PAGE.read_text(), re.MULTILINE)) == set(SCOPES)
