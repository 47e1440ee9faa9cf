"""Pictures in SVG that are drawn by code: one look, light and dark, and words for those who do not see them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from unicodedata import east_asian_width

MARGIN = 28
_STYLE = """
    .ground { fill: #f4f6fa } text { fill: #141a26 } .b { font-weight: 700 } .m { fill: #535d70; font-size: 12px }
    .c { fill: #535d70; font: 10.5px ui-monospace, monospace } .a { stroke: #535d70; stroke-width: 1.6; fill: none }
    #h path { fill: #535d70 }
"""
_DARK = """
      .ground { fill: #10141d } text { fill: #eef1f7 } .m, .c { fill: #a9b3c6 } .a { stroke: #a9b3c6 }
      #h path { fill: #a9b3c6 }
"""
_HALF, _FULL = 0.54, 1.0
"""How wide a character is on average, in heights of the text: a Latin one, and a Korean one."""


def frame(
    body: Iterable[str],
    *,
    title: str,
    about: str,
    width: float,
    height: float,
    light: str = "",
    dark: str = "",
    language: str = "en",
    role: str = "img",
) -> str:
    """A whole picture. `light` and `dark`: more lines of its style. `role`: `img` is told by title and description
    alone; with `graphics-document document` (WAI-ARIA Graphics Module) a reader finds the texts in it, too."""
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="{role}" '
                f'lang="{language}" aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="14">',
                f'  <title id="t">{escape(title)}</title>',
                f'  <desc id="d">{escape(about)}</desc>',
                f"  <style>{_STYLE}{light}    @media (prefers-color-scheme: dark) {{{_DARK}{dark}    }}\n  </style>",
                '  <defs><marker id="h" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
                'orient="auto"><path d="M0 0l8 4-8 4z"/></marker></defs>',
                f'  <rect class="ground" width="{width:g}" height="{height:g}"/>',
                f'  <text class="b" x="{MARGIN}" y="36" font-size="18">{escape(title)}</text>',
                *body,
                "</svg>",
            ]
        )
        + "\n"
    )


def wrapped(text: str, width: float, size: float) -> list[str]:
    """A text in lines of so many pixels, broken between words; a word that is too long for a line is cut off."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and fitted(longer, width, size) != longer:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def fitted(text: str, width: float, size: float) -> str:
    """As much of a text as fits into so many pixels at this size; what is cut off ends with `…`."""
    left = width / size
    for place, character in enumerate(text):
        left -= _FULL if east_asian_width(character) in "WF" else _HALF
        if left < 0:
            return text[: max(0, place - 1)] + "…"
    return text
