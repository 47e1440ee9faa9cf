"""How an organisation looks: what may be written, and what a page makes of it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.requests import Request

from pages import Assets, Pages
from pages.contrast import ENOUGH, THEMES, contrast, least_contrast, readable_on, tokens
from pages.korean import towards
from pages.logo import LARGEST, LogoRefused, logo_address
from pages.look import LookRefused, checked_look

NAME = {"ko": "달빛상점", "en": "Dalbit"}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z" fill="#5b3fd1"/></svg>'


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*more: bytes, width: int = 2) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + b"\0" * width))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + pixels + chunk(b"IEND", b"")


def test_a_small_svg_and_a_small_png_are_logos() -> None:
    assert logo_address(SVG.encode()).startswith("data:image/svg+xml;base64,")
    assert logo_address(png()).startswith("data:image/png;base64,")
    gradient = SVG.replace("<path", '<defs><linearGradient id="a"/></defs><path').replace('"#5b3fd1"', '"url(#a)"')
    assert logo_address(gradient.encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda svg: svg.replace("<path", "<script>1</script><path"),
        lambda svg: svg.replace("<path", '<path onclick="x"'),
        lambda svg: svg.replace("<path", '<image href="https://evil.example/x.png"/><path'),
        lambda svg: svg.replace("<path", '<path style="fill:url(https://evil.example)"'),
        lambda svg: svg.replace('"#5b3fd1"', '"url(https://evil.example/#a)"'),
        lambda svg: svg.replace('"#5b3fd1"', '"url(data:image/svg+xml,x)"'),
        lambda svg: svg.replace('"#5b3fd1"', '"u\\72l(//evil.example)"'),
        lambda svg: svg.replace("<path", "<foreignObject/><path"),
        lambda svg: svg.replace("<path", "<use href='#a'/><path"),
        lambda svg: svg.replace("<path", "<animate/><path"),
        lambda svg: svg.replace("<path", '<path xml:base="https://evil.example"'),
        lambda svg: '<!DOCTYPE svg [<!ENTITY a "b">]>' + svg,
        lambda svg: '<?xml-stylesheet href="https://evil.example"?>' + svg,
        lambda svg: svg.replace("<path", "<!-- x --><path"),
        lambda svg: svg.replace("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"),
        lambda svg: svg[:-3],
        lambda svg: "hello",
        lambda svg: svg + " " * LARGEST,
    ],
)
def test_an_svg_that_could_do_more_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(LogoRefused):
        logo_address(change(SVG).encode())


@pytest.mark.parametrize(
    "content",
    [
        png(chunk(b"tEXt", b"a\0b")),
        png(width=1025),
        png()[:-4],
        png() + b"<script>",
        png().replace(b"IDAT", b"IDAX"),
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
    ],
)
def test_a_png_with_more_in_it_is_refused(content: bytes) -> None:
    with pytest.raises(LogoRefused):
        logo_address(content)


def test_a_look_that_can_be_read_is_kept() -> None:
    look = checked_look(name=NAME, accent={"light": "#5b3fd1", "dark": "#b9a8ff"}, logo=SVG.encode())
    assert look.css() == (":root{--accent:light-dark(#5b3fd1,#b9a8ff);--on-accent:light-dark(#ffffff,#000000)}")
    assert checked_look(name=NAME).css() == ""


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("accent", {"accent": {"light": "#ffd400", "dark": "#b9a8ff"}}),
        ("accent", {"accent": {"light": "#5b3fd1", "dark": "#3a2a80"}}),
        ("accent", {"accent": {"light": "#5b3fd1"}}),
        ("accent", {"accent": {"light": "red;}*{display:none", "dark": "#b9a8ff"}}),
        ("name", {"name": {"ko": "달빛상점"}}),
        ("name", {"name": {"ko": "x" * 41, "en": "x"}}),
        ("name", {"name": {"ko": " ", "en": "x"}}),
        ("welcome", {"welcome": {"ko": "가\n나", "en": "x"}}),
        ("logo", {"logo": b"x"}),
    ],
)
def test_a_look_that_cannot_be_read_is_refused(field: str, given: dict[str, object]) -> None:
    with pytest.raises(LookRefused) as refused:
        checked_look(**{"name": NAME, **given})  # type: ignore[arg-type] - each with the type of its field
    assert refused.value.field == field


def test_the_products_own_accent_would_be_taken() -> None:
    for theme in THEMES:
        accent = tokens()["accent"][theme]
        assert least_contrast(accent, theme) >= ENOUGH
        assert contrast(accent, readable_on(accent)) >= ENOUGH


@pytest.mark.parametrize("shade", range(0, 256, 5))
def test_something_can_be_read_on_every_colour(shade: int) -> None:
    for colour in (f"#{shade:02x}{shade:02x}{shade:02x}", f"#{shade:02x}80{255 - shade:02x}"):
        assert contrast(colour, readable_on(colour)) >= ENOUGH


def test_a_page_wears_the_look_under_its_own_nonce(tmp_path: Path) -> None:
    (tmp_path / "messages.toml").write_text('[x]\nko = "x"\nen = "x"\n')
    (tmp_path / "x.html").write_text('{% extends "base.html" %}')
    pages = Pages(tmp_path, assets=Assets(base="/assets"))
    request = Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [],
            "state": {"correlation_id": "r"},
        }
    )
    look = checked_look(name=NAME, accent={"light": "#5b3fd1", "dark": "#b9a8ff"}, logo=SVG.encode())
    worn = pages.respond(request, "x.html", look=look, locale="en")
    html, policy = bytes(worn.body).decode(), worn.headers["content-security-policy"]
    nonce = policy.split("style-src 'self' 'nonce-")[1].split("'")[0]
    assert f'<style nonce="{nonce}">{look.css()}</style>' in html
    assert "Dalbit</span>" in html
    assert 'src="data:image/svg+xml;base64,' in html
    plain = pages.respond(request, "x.html", locale="en")
    assert "style-src 'self';" in plain.headers["content-security-policy"]
    assert "<style" not in bytes(plain.body).decode()


@pytest.mark.parametrize(
    ("name", "phrase"),
    [("달빛상점", "달빛상점으로"), ("서울", "서울로"), ("가게", "가게로"), ("Shop", "Shop(으)로"), ("", "(으)로")],
)
def test_korean_says_where_to_with_its_particle(name: str, phrase: str) -> None:
    assert towards(name, "ko") == phrase
    assert towards(name, "en") == f"to {name}"
