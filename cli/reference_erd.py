"""The entity-relationship diagrams under `docs/pictures/erd/`, and the page that maps the source's entities to them.

`map.toml` beside the pictures says which tables each model has and why, and where every field of the source stands:
`schema.table.column`, or in words how it is derived. Everything else comes from the live schema: columns, keys, ends of
references. A test holds both against it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from html import escape

import msgspec

from cli.reference_schema import Relation, Schema, read_schemas
from cli.services import PROJECT
from config.connections import Database
from pages.picture import MARGIN, fitted, frame

FOLDER = PROJECT / "docs" / "pictures" / "erd"
PAGE = PROJECT / "docs" / "data-model.md"
_WIDTH, _ROW, _HEAD, _ACROSS, _DOWN = 268, 19, 30, 150, 52
_TOP = 84
_GUTTER = 44
_LIGHT = """    .table { fill: #fff; stroke: #7b869b } .head { fill: #e9f1fe } .key { font-weight: 700 }
    .r { stroke: #2456d6; stroke-width: 1.4; fill: none }
"""
_DARK = """      .table { fill: #1a202c; stroke: #7d889e } .head { fill: #172a4a } .r { stroke: #8fb0ff }
"""


class Entity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entity of the source, as one of its drafts has it."""

    name: str
    draft: str
    """Where in the source it stands: `1` or `2` of topic 2, `3` for topic 3."""
    fields: dict[str, str]
    """Each field: a column, or how it is derived."""


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One diagram: its tables, row by row, and what of the source stands in it."""

    id: str
    title: str
    reason: list[str]
    """Why it is as it is, a paragraph each."""
    rows: list[list[str]]
    """`schema.table`, column of the picture by column; an empty text leaves a place free."""
    entity: list[Entity] = []


class Map(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in `map.toml`."""

    about: str
    model: list[Model]


def load_map() -> Map:
    """Read the map. Raises `msgspec.ValidationError` where it is none."""
    return msgspec.convert(tomllib.loads((FOLDER / "map.toml").read_text(encoding="utf-8")), Map)


async def diagrams(database: Database) -> Mapping[str, str]:
    """Each file's text by its path in `docs/`; `database` is at the newest revision, and its owner asks."""
    async with database.connect() as tx:
        schemas = await read_schemas(tx)
    described = load_map()
    made = {f"pictures/erd/{one.id}.svg": draw(one, schemas) for one in described.model}
    made["pictures/erd/whole.svg"] = draw(whole(described), schemas)
    made["data-model.md"] = page(described)
    return made


def whole(described: Map) -> Model:
    """Every table of every model in one picture, each once, in the order in which they come."""
    names = list(dict.fromkeys(name for model in described.model for row in model.rows for name in row if name))
    rows = [names[at : at + 6] for at in range(0, len(names), 6)]
    return Model(id="whole", title="The whole: commerce and reservation", reason=[], rows=rows)


def draw(model: Model, schemas: Mapping[str, Schema]) -> str:
    """The picture of one model: tables as boxes, references as lines with the ends of crow's feet."""
    boxes: dict[str, tuple[float, float, float]] = {}
    top = float(_TOP)
    for row in model.rows:
        tallest = 0.0
        for place, name in enumerate(row):
            if name:
                height = _HEAD + _ROW * len(relation_of(schemas, name).columns) + 8
                boxes[name] = (MARGIN + _GUTTER + place * (_WIDTH + _ACROSS), top, height)
                tallest = max(tallest, height)
        top += tallest + _DOWN
    width = max(x for x, _, _ in boxes.values()) + _WIDTH + MARGIN + _GUTTER
    lines, references = [], 0
    for name, box in boxes.items():
        schema = name.partition(".")[0]
        for parent, columns, needed, single in relation_of(schemas, name).references:
            target = boxes.get(f"{schema}.{parent}")
            if target is not None:
                first = next(at for at, one in enumerate(relation_of(schemas, name).columns) if one[0] == columns[0])
                lines.append(_line(box, target, first, references % 7, needed=needed, single=single))
                references += 1
    body = [*lines, *(_table(name, relation_of(schemas, name), box) for name, box in boxes.items())]
    about = f"{len(boxes)} tables and {references} references between them: {', '.join(boxes)}."
    return frame(
        body, title=model.title, about=about, width=width, height=top - _DOWN + MARGIN, light=_LIGHT, dark=_DARK
    )


def relation_of(schemas: Mapping[str, Schema], name: str) -> Relation:
    """A table by `schema.table`. Raises `KeyError` where there is none."""
    schema, _, table = name.partition(".")
    return schemas[schema].relations[table]


def _table(name: str, relation: Relation, box: tuple[float, float, float]) -> str:
    x, y, height = box
    parts = [
        f'<rect class="table" x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{height:g}" rx="8"/>',
        f'<path class="head" d="M{x + 1:g} {y + _HEAD:g}v-{_HEAD - 9}q0-8 8-8h{_WIDTH - 18}q8 0 8 8v{_HEAD - 9}z"/>',
        f'<text class="b" x="{x + 12:g}" y="{y + 20:g}" font-size="13">{escape(fitted(name, 250, 13))}</text>',
    ]
    for at, (column, kind, needed) in enumerate(relation.columns):
        below = y + _HEAD + _ROW * at + 15
        marks = " ".join(sorted(relation.marks.get(column, ()), key="PK FK UK".index))
        style = " key" if "PK" in marks else ""
        shown = f"{column}{'' if needed else '?'}"
        parts.append(
            f'<text class="m{style}" x="{x + 12:g}" y="{below:g}">{escape(fitted(shown, 140, 12))}</text>'
            f'<text class="c" x="{x + 156:g}" y="{below:g}">{escape(fitted(kind, 66, 10.5))}</text>'
            f'<text class="c" x="{x + _WIDTH - 10:g}" y="{below:g}" text-anchor="end">{marks}</text>'
        )
    return "".join(parts)


def _line(
    box: tuple[float, float, float],
    target: tuple[float, float, float],
    column: int,
    lane: int,
    *,
    needed: bool,
    single: bool,
) -> str:
    """From the column that refers to the head of the table that it names, through the gaps between tables."""
    start_y, end_y = box[1] + _HEAD + _ROW * column + 10, target[1] + 5 + lane * 3.5
    side = 1 if target[0] > box[0] else -1
    start_x = box[0] + (_WIDTH if side > 0 else 0)
    middle = start_x + side * (16 + lane * 8)
    if target[0] == box[0]:  # one above the other: around the left side
        end_side, end_x = -1, target[0]
    else:
        end_side, end_x = -side, target[0] + (0 if side > 0 else _WIDTH)
    path = f"M{start_x:g} {start_y:g}H{middle:g}"
    if abs(target[0] - box[0]) > _WIDTH + _ACROSS:  # over those that stand between
        near = end_x + end_side * (16 + lane * 8)
        path += f"V{target[1] - 6 - lane * 4:g}H{near:g}"
    path += f"V{end_y:g}H{end_x:g}"
    foot = (
        f"M{start_x + side * 7:g} {start_y - 5:g}v10"
        if single
        else f"M{start_x + side * 9:g} {start_y:g}l{-side * 9} -5m{side * 9} 5l{-side * 9} 5"
    )
    end = f"M{end_x + end_side * 6:g} {end_y - 4:g}v8"
    ring = "" if needed else f'<circle class="r" cx="{end_x + end_side * 11:g}" cy="{end_y:g}" r="3"/>'
    return f'<path class="r" d="{path}{foot}{end}"/>{ring}'


def page(described: Map) -> str:
    """The page: each diagram with its reasons, and where every field of the source stands."""
    parts = [
        "<!-- Made by `make erd` from docs/pictures/erd/map.toml; change that, then make it anew. -->",
        "# The data model",
        described.about,
        "A line runs from the column that refers to the table that it names: a crow's foot where many may, a bar where "
        "one may, a ring where it may be missing. `?` stands where NULL is allowed.",
    ]
    for model in described.model:
        parts += [f"## {model.title}", f"![{model.title}](pictures/erd/{model.id}.svg)", *model.reason]
        for entity in model.entity:
            parts += [f"### {entity.name} ({_draft(entity.draft)})", _rows(entity.fields)]
    parts += ["## The whole", "![Every table of commerce and reservation](pictures/erd/whole.svg)"]
    return "\n\n".join(parts) + "\n"


def _draft(draft: str) -> str:
    return "topic 3" if draft == "3" else f"topic 2, draft {draft}"


def _rows(fields: Mapping[str, str]) -> str:
    lines = ["| field of the source | here |", "|---|---|"]
    return "\n".join([*lines, *(f"| {field} | {_here(where)} |" for field, where in fields.items())])


def _here(where: str) -> str:
    if not is_column(where):
        return where
    split = [one.rpartition(".") for one in columns_in(where)]
    # the identity provider's schema is called as its package is: there a table is named, and its column beside it
    named = [f"`{name}` of `{table}`" if table.startswith("idp.") else f"`{table}.{name}`" for table, _, name in split]
    return " and ".join(named)


def is_column(where: str) -> bool:
    """Whether a place is one column, or several with `, ` between them."""
    return all(one.count(".") == 2 and " " not in one for one in where.split(", "))


def columns_in(where: str) -> Sequence[str]:
    """The columns that a place names; in words, those that stand in backticks."""
    if is_column(where):
        return where.split(", ")
    return [one for one in where.split("`")[1::2] if one.count(".") == 2]
