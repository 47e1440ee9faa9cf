"""Type of printed reports: Latin text in Helvetica, everything else in a Korean face, neither of them embedded.

Both are among those that every reader of PDF has or stands in for: the 14 standard fonts (ISO 32000-1, section
9.6.2.2), and the character collection Adobe-Korea1 (section 9.7.5.2), by which the text stays text: it can be
searched and copied.
"""

from __future__ import annotations

from html import escape
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont

LATIN: Final = "Helvetica"
LATIN_BOLD: Final = "Helvetica-Bold"
KOREAN: Final = "HYGothic-Medium"


def register() -> None:
    """Make the Korean face known; as often as anybody likes."""
    if KOREAN not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(KOREAN))


def marked(text: str, *, bold: bool = False) -> str:
    """A text as a paragraph takes it: escaped, each run in a face that has its characters."""
    latin = LATIN_BOLD if bold else LATIN
    return "".join(f'<font name="{face}">{escape(run)}</font>' for face, run in runs(text, latin))


def width(text: str, size: float) -> float:
    """How wide a text is in points."""
    return float(sum(pdfmetrics.stringWidth(run, face, size) for face, run in runs(text)))


def runs(text: str, latin: str = LATIN) -> list[tuple[str, str]]:
    """Parts of a text, each with the face that it is set in: one that is Latin throughout in Helvetica, any other
    whole in the Korean face, which has Latin letters, too. What no face has becomes a question mark."""
    known = "".join(one if _fits(one) else "?" for one in text.replace("\n", " "))
    return [(latin if _is_latin(known) else KOREAN, known)] if known else []


def _is_latin(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _fits(character: str) -> bool:
    """Whether one of the faces may have it: the planes beyond the first are not among those of Adobe-Korea1."""
    return character.isprintable() and ord(character) <= 0xFFFF
