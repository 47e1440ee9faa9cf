"""The page of the database: a diagram of each schema, read from a database that the migrations made.

The tables in the code know columns; keys and the indexes that hold a promise are known to the database alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import text

from config.connections import Database, Transaction

_ABOUT = """# The database

One schema and one role for each service (`migrations/versions/0001_roles_and_schemas.py`). `PK` is the primary key,
`FK` a foreign key, `UK` unique; *may be missing* stands where NULL is allowed. A unique index with a condition holds a
promise that no key can: those are listed below the diagrams.
"""
_COLUMNS = text(
    """
    SELECT relation.relnamespace::regnamespace::text AS schema, relation.relname AS relation,
        relation.relkind = 'v' AS view, attribute.attname AS name,
        format_type(attribute.atttypid, NULL) AS type, attribute.attnotnull AS needed
    FROM pg_attribute AS attribute JOIN pg_class AS relation ON relation.oid = attribute.attrelid
    WHERE relation.relkind IN ('r', 'p', 'v') AND attribute.attnum > 0 AND NOT attribute.attisdropped
        AND relation.relnamespace::regnamespace::text !~ '^(pg_|information_schema|public$)'
    ORDER BY schema, relation, attribute.attnum
    """
)
_KEYS = text(
    """
    SELECT own.relnamespace::regnamespace::text AS schema, own.relname AS relation, kept.contype::text AS kind,
        other.relname AS parent,
        ARRAY(SELECT attname::text FROM unnest(kept.conkey) WITH ORDINALITY AS part (number, place)
              JOIN pg_attribute ON attrelid = kept.conrelid AND attnum = part.number ORDER BY place) AS columns
    FROM pg_constraint AS kept JOIN pg_class AS own ON own.oid = kept.conrelid
    LEFT JOIN pg_class AS other ON other.oid = kept.confrelid
    WHERE kept.contype IN ('p', 'f', 'u')
    ORDER BY schema, relation, kind, columns
    """
)
_PARTIAL = text(
    """
    SELECT schemaname AS schema, tablename AS relation, indexname AS name, indexdef AS definition
    FROM pg_indexes WHERE indexdef ~ '^CREATE UNIQUE INDEX .* WHERE '
    ORDER BY schema, relation, name
    """
)
_SHORT = {"timestamp with time zone": "timestamptz", "double precision": "double", "character": "char"}
_MARKS = {"p": "PK", "f": "FK", "u": "UK"}


@dataclass(slots=True)
class Relation:
    """A table or a view."""

    name: str
    view: bool
    columns: list[tuple[str, str, bool]] = field(default_factory=list)
    """Name, type, and whether a value must stand there."""
    marks: dict[str, list[str]] = field(default_factory=dict)
    unique: list[list[str]] = field(default_factory=list)
    """The sets of columns of which no two rows have the same."""
    references: list[tuple[str, list[str], bool, bool]] = field(default_factory=list)
    """The table that is referred to, by which columns, whether they are needed, and whether one row alone may."""


@dataclass(slots=True)
class Schema:
    """What stands in one schema."""

    relations: dict[str, Relation] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    promises: list[str] = field(default_factory=list)


async def schema_page(database: Database) -> str:
    """The page; `database` is at the newest revision, and its owner asks."""
    async with database.connect() as tx:
        schemas = await read_schemas(tx)
    parts = [_ABOUT]
    for name, schema in schemas.items():
        parts += [f"## {name}\n", "```mermaid", "erDiagram", *_diagram(schema), "```\n", *_listed(schema.promises)]
    return "\n".join(parts).rstrip("\n") + "\n"


async def read_schemas(tx: Transaction) -> dict[str, Schema]:
    """Every schema of ours by its name, from the catalogue of the database itself."""
    schemas: dict[str, Schema] = {}
    for row in await tx.execute(_COLUMNS):
        schema = schemas.setdefault(row.schema, Schema())
        relation = schema.relations.setdefault(row.relation, Relation(row.relation, row.view))
        relation.columns.append((row.name, _SHORT.get(row.type, row.type), row.needed))
    keys = [row for row in await tx.execute(_KEYS) if row.schema in schemas]
    for row in keys:
        relation = schemas[row.schema].relations[row.relation]
        if row.kind != "f":
            relation.unique.append(row.columns)
        for column in row.columns:
            marks = relation.marks.setdefault(column, [])
            if _MARKS[row.kind] not in marks and not (row.kind == "u" and len(row.columns) > 1):
                marks.append(_MARKS[row.kind])
    for row in keys:
        if row.kind == "f":
            relation = schemas[row.schema].relations[row.relation]
            needed = all(found[2] for found in relation.columns if found[0] in row.columns)
            single = row.columns in relation.unique
            relation.references.append((row.parent, row.columns, needed, single))
            ends = f"{'||' if needed else '|o'}--{'o|' if single else 'o{'}"
            schemas[row.schema].references.append(f'{row.parent} {ends} {row.relation} : "{", ".join(row.columns)}"')
    for row in await tx.execute(_PARTIAL):
        columns, _, condition = row.definition.partition(" USING btree ")[2].partition(" WHERE ")
        schemas[row.schema].promises.append(f"`{row.relation}`: {columns} unique where `{condition}` (`{row.name}`)")
    return schemas


def _diagram(schema: Schema) -> list[str]:
    lines = [f"    {reference}" for reference in schema.references]
    for relation in schema.relations.values():
        lines.append(f"    {relation.name} {{")
        for name, kind, needed in relation.columns:
            marks = ", ".join(sorted(relation.marks.get(name, ()), key="PK FK UK".index))
            note = "" if needed or relation.view else '"may be missing"'
            lines.append(" ".join(part for part in (f"        {kind.replace(' ', '_')}", name, marks, note) if part))
        lines.append("    }")
    return lines


def _listed(promises: Sequence[str]) -> list[str]:
    return [*(f"- {promise}" for promise in promises), ""] if promises else []
