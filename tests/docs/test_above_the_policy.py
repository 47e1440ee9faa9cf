"""What docs/how-to/grant-a-role-for-a-time.md and docs/how-to/answer-what-threatens.md show is taken."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings
from policy.artefact import ElevationRule
from policy.overlay.elevation import Wish
from policy.overlay.measure import LONGEST, WIDEST, Kind, Ordered, measure_of
from policy.overlay.threat_feed import LARGEST, MOST
from policy.request import MeasureEffect
from policy.response.responses import Trigger, read_table
from tests.docs.test_examples import blocks, defined_by

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
ROLE, ANSWER = HOW_TO / "grant-a-role-for-a-time.md", HOW_TO / "answer-what-threatens.md"


def test_its_elevation_is_one_of_a_policy() -> None:
    ((_, source),) = blocks(ROLE, "toml")
    (rule,) = msgspec.convert(tomllib.loads(source)["elevations"], list[ElevationRule])
    assert (rule.role, rule.longest) == ("auditor", 3600)
    said = ROLE.read_text(encoding="utf-8")
    wish = said[said.index('{"role"') :].partition("`")[0]
    assert msgspec.json.decode(wish.encode(), type=Wish).seconds == 1800


def test_its_measure_is_taken() -> None:
    ((_, source),) = blocks(ANSWER, "json")
    made = measure_of(msgspec.convert(json.loads(source), Ordered), ident="m", by="u", at=datetime.now(UTC))
    assert made.target.value == "203.0.113.0/24"


def test_its_response_is_taken(tmp_path: Path) -> None:
    ((_, source),) = blocks(ANSWER, "toml")
    path = tmp_path / "responses.toml"
    path.write_text(source, encoding="utf-8")
    assert [one.on for one in read_table(path)] == [Trigger.THROTTLED]


@pytest.mark.parametrize("words", [Kind, MeasureEffect, Trigger])
def test_no_word_is_left_out(words: type[Kind | MeasureEffect | Trigger]) -> None:
    said = ANSWER.read_text(encoding="utf-8")
    assert [word for word in words if f"`{word.value}`" not in said] == []


def test_its_rule_speaks_of_a_threat_and_its_numbers_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    defined_by(ANSWER)
    said = " ".join(ANSWER.read_text(encoding="utf-8").split())
    assert f"{LARGEST // 2**20} MiB or {MOST:,} entries" in said
    assert f"at least {WIDEST[4]} bits (IPv6: {WIDEST[6]})" in said
    assert f"stands for {LONGEST // 86_400} days at most" in said
    (settings,) = (text for text in said.split("```") if "THREAT_FEEDS" in text)
    for setting in settings.split():
        monkeypatch.setenv(*setting.split("=", 1))
    gateway = Settings().gateway
    assert (gateway.threat_feeds, gateway.threat_feed_age) == ({"drop": Path("/srv/feeds/drop.txt")}, 604_800)
