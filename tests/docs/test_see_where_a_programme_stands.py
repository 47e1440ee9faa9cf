"""What `docs/how-to/see-where-a-programme-stands.md` shows works, and its vocabularies are those of the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from config.settings import Settings
from idp.rollout.analysis import HashState
from idp.rollout.cohorts import Risk
from idp.rollout.comparison import Verdict
from idp.rollout.methods import FAILURES, READINESS
from idp.rollout.progress import Stuck
from tests.docs.test_examples import PROJECT, blocks
from tests.docs.test_lead_people_to_mfa import house, run
from tests.pages.paper.test_report import written

__all__ = ["house"]

PAGE = PROJECT / "docs" / "how-to" / "see-where-a-programme-stands.md"
GUIDE = PROJECT / "docs" / "support-guide.md"


def test_its_commands_do_what_they_say(house: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    organisation = str(house.policy.operator)
    code, begun = run(house, f"munjigi rollout start {organisation} --on 2026-01-05 --by-hand --locale en --why test")
    assert code == 0, begun
    programme, said = begun.split()[0], []
    for _, block in blocks(PAGE, "sh"):
        for line in block.splitlines():
            shown = line.replace("PROGRAMME", programme).replace("5b1d2f0c-6c0e-4c52-9a55-0d6f3c3d7a01", organisation)
            code, output = run(house, shown)
            assert code == 0, (shown, output)
            said.append(output)
    analysis, paper, as_json, progress, progress_json, report, report_paper = said
    assert "1 accounts that may sign in were counted" in analysis
    assert "Nobody depends on a password alone" in analysis
    assert paper.startswith("analysis.pdf: ")
    assert "로그인 방법 분석" in written(Path("analysis.pdf").read_bytes())
    assert json.loads(as_json)["people"] == 1
    assert "cannot be said" in progress
    assert len(progress_json.splitlines()) == 6
    assert "The way out of passwords" in report
    assert report_paper.startswith("report.pdf: ")
    assert "비밀번호에서 벗어나기" in written(Path("report.pdf").read_bytes())
    unknown = "00000000-0000-4000-8000-000000000099"
    for wrong in (
        f"analysis --organisation {unknown}",
        f"progress {unknown}",
        f"report {unknown}",
        "analysis --locale de",
    ):
        assert run(house, f"munjigi rollout {wrong}")[0] != 0


def test_its_words_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for word in (*READINESS, *get_args(Risk), *get_args(Stuck)):
        assert f"`{word}`" in text, word
    for state in get_args(HashState):
        assert state == "none" or f"`{state}`" in text
    assert {verdict for verdict in get_args(Verdict) if f"`{verdict}`" in text} == {"too_few", "no_difference_seen"}


def test_the_guide_tells_what_support_can_see() -> None:
    korean, english = GUIDE.read_text(encoding="utf-8").split("# 지원 안내서")[::-1]
    for failure in set(FAILURES) - {"push_refused", "left", "kept_other_session", "other"}:
        assert f"`{failure}`" in english, failure
        assert f"`{failure}`" in korean, failure
