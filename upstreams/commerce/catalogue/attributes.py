"""Attributes of a product by the schema of its type: JSON Schema (2020-12), as much of it as attributes need.

A schema that says what is not known here is refused, never half obeyed. Attributes that a schema does not name are
refused too: what nobody declared nobody can filter by.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
"""An object with `properties` and `required`; a property has a `type`, and what else `_KNOWN` lists for that."""

MAX_PROPERTIES = 40
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_COMMON = frozenset({"type", "title", "description", "enum"})
_KNOWN: Mapping[str, frozenset[str]] = {
    "string": _COMMON | {"minLength", "maxLength", "format"},
    "integer": _COMMON | {"minimum", "maximum"},
    "number": _COMMON | {"minimum", "maximum"},
    "boolean": _COMMON,
    "array": _COMMON - {"enum"} | {"items", "maxItems"},
}
_PYTHON: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}
_NUMBERS = frozenset({"minLength", "maxLength", "maxItems", "minimum", "maximum"})
_FORMATS: Mapping[str, re.Pattern[str]] = {
    "date": re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"),
    "color": re.compile(r"#[0-9a-f]{6}"),
}
"""No `pattern`: whoever writes a regular expression decides how long it takes to be read."""


def check_schema(schema: Schema) -> None:
    """Raises `ValueError` for a schema that says more than is understood here."""
    if not schema:
        return
    if unknown := set(schema) - {"type", "properties", "required", "title", "description"}:
        raise ValueError(f"a schema of attributes does not know {', '.join(sorted(map(str, unknown)))}")
    properties = schema.get("properties", {})
    if schema.get("type", "object") != "object" or not isinstance(properties, Mapping):
        raise ValueError("a schema of attributes is an object with properties")
    if len(properties) > MAX_PROPERTIES:
        raise ValueError(f"there are at most {MAX_PROPERTIES} attributes")
    for name, one in properties.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name}: small letters, digits and _, at most 32")
        _check_property(name, one)
    required = schema.get("required", [])
    if not isinstance(required, list | tuple) or set(required) - set(properties):
        raise ValueError("what is required is a list of properties")


def _check_property(name: str, one: Any, *, inside: bool = False) -> None:
    kind = one.get("type") if isinstance(one, Mapping) else None
    if not isinstance(kind, str) or kind not in _KNOWN or (inside and kind == "array"):
        raise ValueError(f"{name}: its type is one of {', '.join(_KNOWN)}")
    if unknown := set(one) - _KNOWN[kind]:
        raise ValueError(f"{name}: a {kind} does not know {', '.join(sorted(map(str, unknown)))}")
    for keyword in _NUMBERS & set(one):
        if type(one[keyword]) not in (int, float):
            raise ValueError(f"{name}: {keyword} is a number")
    if "enum" in one and not (
        isinstance(one["enum"], list) and one["enum"] and all(_is(kind, value) for value in one["enum"])
    ):
        raise ValueError(f"{name}: enum lists values of its type")
    if one.get("format", "date") not in _FORMATS:
        raise ValueError(f"{name}: its format is one of {', '.join(_FORMATS)}")
    if kind == "array":
        _check_property(f"{name}[]", one.get("items"), inside=True)


def check(schema: Schema, attributes: Mapping[str, Any]) -> list[str]:
    """What is wrong with attributes, each with its name; all of it, so that it can be put right at once."""
    properties = schema.get("properties", {})
    wrong = [f"{name}: it is not an attribute of this type" for name in attributes if name not in properties]
    wrong += [f"{name}: it is needed" for name in schema.get("required", ()) if name not in attributes]
    for name, value in attributes.items():
        if name in properties:
            wrong += _wrong(name, properties[name], value)
    return sorted(wrong)


def _wrong(name: str, one: Schema, value: Any) -> list[str]:
    kind = one["type"]
    if not _is(kind, value):
        return [f"{name}: it is a {kind}"]
    if kind == "array":
        if len(value) > one.get("maxItems", 50):
            return [f"{name}: at most {one.get('maxItems', 50)}"]
        return [found for at, each in enumerate(value) for found in _wrong(f"{name}[{at}]", one["items"], each)]
    if "enum" in one and value not in one["enum"]:
        return [f"{name}: one of {', '.join(map(str, one['enum']))}"]
    if kind == "string":
        if not one.get("minLength", 0) <= len(value) <= one.get("maxLength", 200):
            return [f"{name}: {one.get('minLength', 0)} to {one.get('maxLength', 200)} characters"]
        if "format" in one and not _FORMATS[one["format"]].fullmatch(value):
            return [f"{name}: it is a {one['format']}"]
    elif kind != "boolean":
        if value < one.get("minimum", value):
            return [f"{name}: at least {one['minimum']}"]
        if value > one.get("maximum", value):
            return [f"{name}: at most {one['maximum']}"]
    return []


def _is(kind: str, value: Any) -> bool:
    if kind != "boolean" and isinstance(value, bool):
        return False
    return isinstance(value, _PYTHON[kind]) and value == value  # NaN is no number of ours
