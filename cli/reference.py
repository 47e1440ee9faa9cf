"""`munjigi reference`: the pages under `docs/reference/`, made from the code, so that they cannot say anything else.

A test holds the committed pages against what is made here.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import msgspec

from cli.reference_erd import diagrams
from cli.reference_errors import errors_page
from cli.reference_pictures import FOLDER as PICTURES
from cli.reference_pictures import pictures
from cli.reference_schema import schema_page
from cli.services import PROJECT
from cli.settings_list import settings_list
from config.connections import Database, open_database
from config.engines.embedded import running_engines
from config.problem import ProblemType
from config.sections.identity import IdentityProviderSettings
from config.settings import Settings
from idp.openapi_document import document
from migrations.runner import migrate

FOLDER = PROJECT / "docs" / "reference"
ROOMS = (
    "audit", "config", "console", "events", "gateway", "idp", "jose", "notifications", "pages", "policy", "upstreams",
)  # fmt: skip
MADE = "<!-- Made by `munjigi reference`; change the code, then make it anew. -->\n"

_ABOUT_SETTINGS = """# Settings

A setting is read from its environment variable, or from the TOML file that `MUNJIGI_SETTINGS` names, there under
`[section]`; the variable wins. A name that is unknown, or a value that cannot be, ends the start and is named.
Durations are seconds. `munjigi doctor --settings` prints this list.
"""
_SETTING = re.compile(r"(\S+)  \(default: (.*)\)")


@dataclass(frozen=True, slots=True)
class Declared:
    """A kind of error, and the file that declares it."""

    kind: ProblemType
    path: str


def write_reference(*, diagrams_alone: bool = False) -> list[Path]:
    """Write every page and picture, or those of the data model alone; engines of its own, in a folder of their own,
    show what the migrations make."""
    with tempfile.TemporaryDirectory(prefix="munjigi-") as folder:
        Path(folder).chmod(0o755)  # started by root, the engines' account must be able to come in
        settings = Settings(var=Path(folder) / "v")
        with running_engines(settings, durable=False):
            pages, drawn = asyncio.run(_pages(settings))
    FOLDER.mkdir(exist_ok=True)
    made = {PROJECT / "docs" / name: text for name, text in drawn.items()}
    if not diagrams_alone:
        made |= {FOLDER / name: text for name, text in pages.items()}
        made |= {PICTURES / name: svg for name, svg in pictures().items()}
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    return list(made)


async def _pages(settings: Settings) -> tuple[Mapping[str, str], Mapping[str, str]]:
    await migrate(settings)
    database = open_database(settings, "owner")
    try:
        return await reference_pages(database), await diagrams(database)
    finally:
        await database.dispose()


async def reference_pages(database: Database) -> Mapping[str, str]:
    """Each page by its file's name; `database` is at the newest revision, and the owner asks."""
    return {
        "settings.md": settings_page(),
        "errors.md": MADE + "\n" + errors_page({found.kind.code: found.path for found in declared_problems()}),
        "schema.md": MADE + "\n" + await schema_page(database),
        "openapi.json": openapi_file(),
    }


def openapi_file() -> str:
    """What relying apps speak to, at the shipped address."""
    described = msgspec.json.encode(document(IdentityProviderSettings().issuer))
    return msgspec.json.format(described, indent=2).decode() + "\n"


def settings_page() -> str:
    """Every setting, by section, as `munjigi doctor --settings` lists them."""
    sections: dict[str, list[tuple[str, ...]]] = {}
    for paragraph in settings_list().split("\n\n"):
        head, _, meaning = paragraph.partition("\n")
        found = _SETTING.fullmatch(head)
        assert found is not None, head
        variable, default = found.groups()
        section, _, name = variable.removeprefix("MUNJIGI_").lower().rpartition("__")
        meaning = " ".join(re.sub(r"(?<=\w-)\n\s+", "", meaning).split())  # lines may end within a hyphenated word
        row = (f"`{name}`", f"`{variable}`", f"`{default or 'unset'}`", meaning)
        sections.setdefault(section, []).append(row)
    parts = [MADE, _ABOUT_SETTINGS]
    for section, rows in sections.items():
        parts += [f"## {f'`[{section}]`' if section else 'At the top'}\n"]
        parts += [_table(("setting", "variable", "default", "meaning"), rows)]
    return "\n".join(parts)


def declared_problems() -> list[Declared]:
    """All of the house, by code; each stands where it is declared, whoever else imports it."""
    found = []
    for module in _modules():
        assert module.__file__ is not None
        source = Path(module.__file__)
        text = source.read_text(encoding="utf-8")
        for name, value in vars(module).items():
            if isinstance(value, ProblemType) and re.search(rf"^{name} = ProblemType\(", text, re.MULTILINE):
                found.append(Declared(value, str(source.relative_to(PROJECT))))
    return sorted(found, key=lambda declared: declared.kind.code)


def _modules() -> Iterator[ModuleType]:
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            yield importlib.import_module(module.name)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
