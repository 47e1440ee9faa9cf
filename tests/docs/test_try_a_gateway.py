"""The description of `docs/how-to/try-a-gateway.md` is one."""

from __future__ import annotations

from pathlib import Path

from tests.docs.test_examples import PROJECT, blocks
from tests.proxy_suite.target import described

PAGE = PROJECT / "docs" / "how-to" / "try-a-gateway.md"


def test_its_description_is_one(tmp_path: Path) -> None:
    ((_, text),) = blocks(PAGE, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    target = described(file)
    assert target.does("times.head")
    assert target.does("credentials")
    assert not target.does("tokens")
    assert target.authority == "service.example"
