"""A body that is a JSON object, each member once."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from starlette.requests import Request

from idp.endpoints.parameters import Unreadable, read_bounded


async def read_json_object(request: Request) -> dict[str, object]:
    """The object. Raises `Unreadable`, also where a member stands twice, anywhere in it (RFC 8259, section 4)."""
    return parse_json_object(await read_bounded(request, "application/json"))


def parse_json_object(encoded: bytes) -> dict[str, object]:
    """The object in these bytes. Raises `Unreadable`."""
    try:
        read = json.loads(encoded.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_number)
        json.dumps(read, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise Unreadable("the body is no JSON object whose members stand once each") from None
    if not isinstance(read, dict):
        raise Unreadable("the body is no JSON object whose members stand once each")
    return read


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
