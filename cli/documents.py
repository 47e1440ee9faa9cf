"""What commands read from a file of JSON, and how they show one thing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import typer


def read_file(name: str) -> Mapping[str, object]:
    """The JSON object of a file. Raises `typer.BadParameter`."""
    content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return msgspec.json.decode(content, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{name} holds no JSON object: {error}", param_hint="--file") from error


def tell_document(document: Mapping[str, object], *, as_json: bool) -> None:
    """A line for each member, or JSON."""
    if as_json:
        typer.echo(msgspec.json.encode(document))
        return
    for name, value in document.items():
        typer.echo(f"{name}: {value if isinstance(value, str) else msgspec.json.encode(value).decode()}")
