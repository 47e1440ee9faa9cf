"""What the documents show works: their Python runs, their commands and their links exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app

PROJECT = Path(__file__).parents[2]
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
NAMES = [str(document.relative_to(PROJECT)) for document in DOCUMENTS]


def blocks(document: Path, language: str) -> list[tuple[int, str]]:
    """The fenced blocks of one language, each with the line that it begins on."""
    text = document.read_text(encoding="utf-8")
    fences = re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, fence.start(1)) + 1, fence[1]) for fence in fences]


def defined_by(document: Path) -> dict[str, Any]:
    """What the Python blocks of a document define, run one after the other."""
    defined: dict[str, Any] = {"__name__": "example"}
    for line, source in blocks(document, "python"):
        exec(compile("\n" * (line - 1) + source, str(document), "exec"), defined)
    return defined


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_its_python_runs(document: Path) -> None:
    defined_by(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_its_commands_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined] # it is a group
    named = set(re.findall(r"(?:^|`)munjigi ([a-z]+)", text, re.MULTILINE))
    assert named <= commands, named - commands
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    made = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert made <= targets, made - targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_its_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)", text)
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []
