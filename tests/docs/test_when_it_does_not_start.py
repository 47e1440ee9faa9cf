"""What `docs/how-to/when-it-does-not-start.md` quotes is what the code says."""

from __future__ import annotations

import ast
import re

from tests.docs.test_examples import PROJECT

PAGE = PROJECT / "docs" / "how-to" / "when-it-does-not-start.md"
SPEAKERS = ("cli", "config", "gateway/routes", "migrations")


def said() -> list[str]:
    """Every text in the code, with `…` where a value is put in."""
    texts = []
    for speaker in SPEAKERS:
        place = PROJECT / speaker
        for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_bytes())):
                match node:
                    case ast.JoinedStr(values=values):
                        texts.append("".join(v.value if isinstance(v, ast.Constant) else "…" for v in values))
                    case ast.Constant(value=str(text)):
                        texts.append(text)
    return texts


def test_every_quotation_is_said() -> None:
    rows = re.findall(r"^\| (`+) ?(.+?) ?\1 \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 15
    texts = said()
    unsaid = [row for _, row in rows if not any(row in text for text in texts)]
    assert unsaid == []
