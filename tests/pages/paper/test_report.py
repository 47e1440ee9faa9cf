"""A report is a PDF whose text can be read again, in both languages, on as many pages as it takes."""

from __future__ import annotations

from typing import Any

import pypdfium2
import pytest

from pages.paper import type as face
from pages.paper.bars import Bar
from pages.paper.report import Report


def written(pdf: bytes) -> str:
    """All text of a PDF, as a reader copies it."""
    document: Any = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document).replace("\r\n", "\n")
    finally:
        document.close()


def report(locale: Any = "ko", rows: int = 3) -> Report:
    one = Report(title="로그인 방법", subtitle="하우스 · 2026년 11월 22일", footer="문지기 · 2026-11-22", locale=locale)
    one.heading("한눈에 보기")
    one.say("사람 1,204명 중 62%는 비밀번호만 써요.")
    one.bars(
        "10명 중 6명은 비밀번호뿐이에요", [Bar(f"줄 {n}.", n / 10, f"{n}명") for n in range(rows)], beside="사람 수"
    )
    one.table(["조직", "사람"], [["하우스 & <b>아들</b>", "1,204"], ["Café — 둘", "12"]], numbers=(1,))
    one.points(["먼저 약한 것부터", "Next, this."])
    one.note("작은 글씨")
    return one


def test_everything_that_was_said_can_be_read_again() -> None:
    text = written(report().pdf())
    for said in (
        *("로그인 방법", "하우스 · 2026년 11월 22일", "한눈에 보기", "사람 1,204명 중 62%는 비밀번호만 써요."),
        *("10명 중 6명은 비밀번호뿐이에요", "사람 수", "줄 2.", "2명", "하우스 & <b>아들</b>", "1,204"),
        *("Café — 둘", "먼저 약한 것부터", "Next, this.", "작은 글씨", "문지기 · 2026-11-22"),
    ):
        assert said in text, said


@pytest.mark.parametrize("rows", [0, 1, 24, 200])
def test_it_takes_the_pages_that_it_needs(rows: int) -> None:
    text = written(report(rows=rows).pdf())
    assert all(f"줄 {n}." in text for n in range(rows))
    assert (text.count("문지기 · 2026-11-22") > 1) is (rows > 30)


def test_the_same_words_are_the_same_bytes() -> None:
    assert report().pdf() == report().pdf()


def test_it_says_what_language_it_is_in() -> None:
    assert b"/Lang (ko)" in report("ko").pdf()
    assert b"/Lang (en)" in report("en").pdf()


def test_korean_is_readable_where_no_korean_font_is() -> None:
    """The glyphs are in the file: a page that is drawn shows them, and no two syllables look alike."""
    pdf = Report(title="가나다라마바사", subtitle="", footer="", locale="ko").pdf()
    assert b"/FontFile2" in pdf
    assert b"HYGothic" not in pdf
    document: Any = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0]
        text = page.get_textpage()
        drawn = page.render(scale=4).to_pil().convert("L")
        pictures, first = [], text.get_text_range().index("가")
        for place in range(first, first + 7):
            left, bottom, right, top = text.get_charbox(place)
            box = [4 * left, 4 * (page.get_height() - top), 4 * right, 4 * (page.get_height() - bottom)]
            glyph = drawn.crop([int(one) for one in box])
            ink = sum(glyph.histogram()[:128]) / (glyph.width * glyph.height)
            assert 0.05 < ink < 0.7, (place, ink)  # neither nothing nor a box that stands for a missing glyph
            pictures.append(glyph.resize((24, 24)).tobytes())
        assert len(set(pictures)) == 7
    finally:
        document.close()
    assert len(pdf) < 60_000, "only what is used is embedded"


def test_every_syllable_and_what_else_the_words_of_reports_use_is_embedded() -> None:
    assert face.runs("".join(map(chr, range(0xAC00, 0xD7A4))))[0][0] == face.KOREAN
    assert face.runs("가 · ‘나’ — “다” … → • ₩ ㎡ ㄱ 1,204명 100%")[0][0] == face.KOREAN
    assert face.runs("가 漢")[0][0] == face.OTHER


def test_what_no_face_has_stops_nothing() -> None:
    one = Report(title="a\0b", subtitle="漢字 🙂", footer="", locale="en")
    text = written(one.pdf())
    assert "a?b" in text
    assert "漢字 ?" in text


def test_a_table_may_be_empty_and_long() -> None:
    one = Report(title="t", subtitle="s", footer="f", locale="en")
    one.table(["only"], [])
    one.table(["a", "b"], [[str(n), "x" * 300] for n in range(120)])
    assert "119" in written(one.pdf())
