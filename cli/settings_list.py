"""Every setting there is, made from their declarations: its variable, its default, and what it means."""

from __future__ import annotations

import ast
import inspect
import textwrap

from pydantic import BaseModel

from config.settings import Settings


def settings_list() -> str:
    """One paragraph for each setting, in the order of their declaration."""
    return "\n\n".join(_paragraphs(Settings, "MUNJIGI_"))


def _paragraphs(model: type[BaseModel], prefix: str) -> list[str]:
    meanings = _docstrings(model)
    paragraphs = []
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            paragraphs += _paragraphs(field.annotation, f"{variable}__")
            continue
        default = "unset" if field.default in (None, {}, ()) else f"{field.default}"
        lines = [f"{variable}  (default: {default})"]
        if name in meanings:
            lines.append(textwrap.fill(meanings[name], 100, initial_indent="    ", subsequent_indent="    "))
        paragraphs.append("\n".join(lines))
    return paragraphs


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The string under each field's declaration."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for declaration, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(declaration, ast.AnnAssign) and isinstance(declaration.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    found[declaration.target.id] = " ".join(text.split())
    return found
