"""One report, written from its first line to its last, and made into a PDF."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from pages.locale import Locale
from pages.paper import type as face
from pages.paper.bars import Bar, Bars

INK, MUTED, LINE = HexColor("#141a26"), HexColor("#535d70"), HexColor("#d5dbe7")
MARGIN = 20 * mm
MOST_ROWS = 500
"""Rows of one table that are printed; a report is read by people."""
_KEPT_TOGETHER = 24
"""Bars that are kept on one page with their heading."""


class Report:
    """A report that is being written. Everything it takes is plain text."""

    def __init__(self, *, title: str, subtitle: str, footer: str, locale: Locale) -> None:
        """`footer` stands below each page, beside its number."""
        face.register()
        self._title, self._footer, self._locale = title, footer, locale
        self._parts: list[object] = [
            Paragraph(face.marked(title, bold=True), _style(20, before=0, after=4)),
            Paragraph(face.marked(subtitle), _style(10, after=14, ink=MUTED)),
        ]

    def heading(self, text: str) -> None:
        """A part begins."""
        self._parts.append(_heading(text))

    def say(self, text: str) -> None:
        """A paragraph."""
        self._parts.append(Paragraph(face.marked(text), _style(10, after=6)))

    def note(self, text: str) -> None:
        """A paragraph in small type."""
        self._parts.append(Paragraph(face.marked(text), _style(8.5, after=6, ink=MUTED)))

    def points(self, texts: Sequence[str]) -> None:
        """A list."""
        for text in texts:
            style = _style(10, after=3, indent=12)
            self._parts.append(Paragraph(face.marked(text), style, bulletText="•"))

    def bars(self, finding: str, rows: Sequence[Bar], *, beside: str = "") -> None:
        """A chart; its heading is what it shows. `beside`: what the figures are."""
        head = [
            _heading(finding),
            *([Paragraph(face.marked(beside), _style(8.5, after=4, ink=MUTED))] if beside else []),
        ]
        chart = [*head, Bars(rows), Spacer(1, 6)]
        self._parts.extend([KeepTogether(chart)] if len(rows) <= _KEPT_TOGETHER else chart)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> None:
        """A table whose head is repeated on each page. `numbers`: which columns are set to the right."""
        right = _style(9, align=2)
        head = [
            Paragraph(face.marked(one, bold=True), _style(8.5, ink=MUTED, align=2 if place in numbers else 0))
            for place, one in enumerate(columns)
        ]
        body = [
            [Paragraph(face.marked(one), right if place in numbers else _style(9)) for place, one in enumerate(row)]
            for row in rows[:MOST_ROWS]
        ]
        wide = A4[0] - 2 * MARGIN
        first = wide * (0.4 if len(columns) > 2 else 0.6)
        widths = [first, *[(wide - first) / (len(columns) - 1)] * (len(columns) - 1)] if len(columns) > 1 else [wide]
        table = Table([head, *body], colWidths=widths, repeatRows=1)
        table.setStyle(
            TableStyle(
                [
                    ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LEFTPADDING", (0, 0), (0, -1), 0),
                    ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                    ("TOPPADDING", (0, 0), (-1, -1), 3),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
                ]
            )
        )
        self._parts.extend([table, Spacer(1, 10)])

    def pdf(self) -> bytes:
        """The whole, the same bytes of the same words."""
        written = io.BytesIO()
        document = SimpleDocTemplate(
            written,
            pagesize=A4,
            leftMargin=MARGIN - 6,  # the frame within adds its own six points
            rightMargin=MARGIN - 6,
            topMargin=MARGIN,
            bottomMargin=MARGIN,
            title=self._title,
            author="Munjigi",
            creator="Munjigi",
            lang=self._locale,
            invariant=1,
        )
        document.build(self._parts, onFirstPage=self._below, onLaterPages=self._below)
        return written.getvalue()

    def _below(self, canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.saveState()
        canvas.setFillColor(MUTED)
        x = MARGIN
        for font, run in face.runs(self._footer):
            canvas.setFont(font, 8)
            canvas.drawString(x, 12 * mm, run)
            x += canvas.stringWidth(run, font, 8)
        canvas.setFont(face.LATIN, 8)
        canvas.drawRightString(A4[0] - MARGIN, 12 * mm, str(document.page))
        canvas.restoreState()


def _heading(text: str) -> Paragraph:
    return Paragraph(face.marked(text, bold=True), _style(13, before=12, after=6, with_next=True))


def _style(
    size: float,
    *,
    before: float = 0,
    after: float = 0,
    ink: HexColor = INK,
    indent: float = 0,
    align: int = 0,
    with_next: bool = False,
) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}",
        fontName=face.LATIN,
        fontSize=size,
        leading=size * 1.45,
        spaceBefore=before,
        spaceAfter=after,
        textColor=ink,
        leftIndent=indent,
        bulletIndent=0,
        alignment=align,
        keepWithNext=with_next,
        wordWrap=None,
    )
