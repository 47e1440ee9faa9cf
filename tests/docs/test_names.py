"""What the documents name exists: files, what stands in them, modules, settings, tables."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.settings import Settings

PROJECT = Path(__file__).parents[2]
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
NAMES = [str(document.relative_to(PROJECT)) for document in DOCUMENTS]
ROOMS = "|".join(sorted(folder.parent.name for folder in PROJECT.glob("*/__init__.py")))
FILE = re.compile(
    rf"(?<![\w/.-])((?:{ROOMS}|docs)/[\w./-]+\.(?:py|toml|csv|conf|html|json|js|css|md))(?::([A-Za-z_][\w.]*))?"
)
DOTTED = re.compile(rf"(?<![\w/.:-])((?:{ROOMS})(?:\.[A-Za-z_]\w*)+)(?![\w/:-])")
TABLE = re.compile(r"(?:TABLE|VIEW|SEQUENCE|FUNCTION) (\w+\.\w+)")


def spans(document: Path) -> list[str]:
    """What stands in the text as code, without the blocks."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_its_files_and_what_stands_in_them_exist(document: Path) -> None:
    missing = []
    for path, name in FILE.findall(document.read_text(encoding="utf-8")):
        file = PROJECT / path
        if not file.is_file() or (name and not defined(file, name.split("."))):
            missing.append(f"{path}:{name}" if name else path)
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_its_dotted_names_are_modules_settings_or_tables(document: Path) -> None:
    named = {name for span in spans(document) for name in DOTTED.findall(span)}
    assert {name for name in named if not (name in settings() | tables() or is_in_a_module(name.split(".")))} == set()


def is_in_a_module(parts: list[str]) -> bool:
    """Whether a dotted name is a package, a module, or what one of them defines."""
    for length in range(len(parts), 0, -1):
        place, rest = PROJECT.joinpath(*parts[:length]), parts[length:]
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return not rest or defined(file, rest)
    return False


@cache
def names_in(file: Path) -> dict[str, ast.AST]:
    return _names(ast.parse(file.read_bytes()).body)


def defined(file: Path, name: list[str]) -> bool:
    """Whether a module defines or offers `name`; `Class.member` is looked for in the class."""
    found = names_in(file).get(name[0])
    for part in name[1:]:
        found = _names(found.body).get(part) if isinstance(found, ast.ClassDef) else None
    return found is not None


def _names(body: list[ast.stmt]) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = node
            case ast.Assign(targets=targets):
                found |= {
                    part.id: node for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)
                }
            case ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = node
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                found |= {alias.asname or alias.name: node for alias in aliases}
    return found


@cache
def settings() -> frozenset[str]:
    found = set()
    for section, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= {f"{section}.{name}" for name in field.annotation.model_fields}
    return frozenset(found)


@cache
def tables() -> frozenset[str]:
    revisions = (PROJECT / "migrations" / "versions").glob("0*.py")
    return frozenset(name for file in revisions for name in TABLE.findall(file.read_text(encoding="utf-8")))
