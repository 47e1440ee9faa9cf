"""Type of printed reports: Latin text in Helvetica, Korean in a face of which the glyphs that are used are embedded.

Helvetica is one of the 14 standard fonts that every reader of PDF has or stands in for (ISO 32000-1, section 9.6.2.2).
No reader must have a Korean one: so the report brings it (`MunjigiGothic.ttf`, made from NanumGothic under the licence
beside it). It has every syllable of Hangul and no Chinese character: a text with one of those is set in a face of the
collection Adobe-Korea1 (section 9.7.5.2), not embedded, which readers stand in for where they can. Either way the text
stays text: it can be searched and copied.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

LATIN: Final = "Helvetica"
LATIN_BOLD: Final = "Helvetica-Bold"
KOREAN: Final = "MunjigiGothic"
OTHER: Final = "HYGothic-Medium"
"""For what the embedded face has no glyph of."""
_FILE: Final = Path(__file__).with_name("MunjigiGothic.ttf")


def register() -> None:
    """Make the faces known; as often as anybody likes."""
    if KOREAN not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(KOREAN, str(_FILE)))
        pdfmetrics.registerFont(UnicodeCIDFont(OTHER))


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
    if not known:
        return []
    return [(latin if _is_latin(known) else KOREAN if _is_embedded(known) else OTHER, known)]


def _is_latin(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _is_embedded(text: str) -> bool:
    register()
    glyphs = pdfmetrics.getFont(KOREAN).face.charToGlyph
    return all(ord(one) in glyphs for one in text)


def _fits(character: str) -> bool:
    """Whether one of the faces may have it: the planes beyond the first are not among those of Adobe-Korea1."""
    return character.isprintable() and ord(character) <= 0xFFFF
