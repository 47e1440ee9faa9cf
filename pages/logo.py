"""A logo that strangers may look at: a small PNG or SVG that can do nothing but be seen.

It is put into pages as a `data:` address of an `<img>`, where browsers run no script of an SVG. What could do more all
the same (scripts, events, references to elsewhere, entities, a comment in a chunk) is refused, not repaired: whoever
sends such a file should hear of it.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree

LARGEST = 12 * 1024
"""Bytes: a first page stays under 50 KB in all."""
LONGEST_SIDE = 1024
"""Pixels of a PNG."""

_SVG = "http://www.w3.org/2000/svg"
_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"sRGB", b"cHRM", b"IDAT", b"IEND"})
_ELEMENTS = frozenset(
    {"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "title", "desc", "defs"}
    | {"linearGradient", "radialGradient", "stop"}
)
_ATTRIBUTES = frozenset(
    {"viewBox", "width", "height", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "d", "points"}
    | {"fill", "fill-opacity", "fill-rule", "clip-rule", "opacity", "transform", "preserveAspectRatio", "version"}
    | {"stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-opacity"}
    | {"stroke-dasharray", "gradientUnits", "gradientTransform", "offset", "stop-color", "stop-opacity", "id", "role"}
)
_VALUE = re.compile(r"[^:\\<>&]*")
_REFERENCE = re.compile(r"url\(\s*#[\w-]+\s*\)")


class LogoRefused(ValueError):
    """A file that is no logo of ours; the message says why."""


def logo_address(content: bytes) -> str:
    """The `data:` address of a logo. Raises `LogoRefused`."""
    if len(content) > LARGEST:
        raise LogoRefused(f"a logo has at most {LARGEST} bytes")
    if content.startswith(_PNG):
        return _address("image/png", _checked_png(content))
    return _address("image/svg+xml", _checked_svg(content))


def _checked_png(content: bytes) -> bytes:
    names = []
    for name, body in _chunks(content):
        if name not in _CHUNKS:
            raise LogoRefused(f"a chunk {name.decode('latin-1')!r} does not belong into a logo")
        if name == b"IHDR" and (len(body) != 13 or max(struct.unpack(">II", body[:8])) > LONGEST_SIDE):
            raise LogoRefused(f"a logo has at most {LONGEST_SIDE} pixels on a side")
        names.append(name)
    if names[:1] != [b"IHDR"] or names[-1:] != [b"IEND"] or b"IDAT" not in names:
        raise LogoRefused("not a whole PNG")
    return content


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at < len(content):
        if at + 12 > len(content):
            raise LogoRefused("not a whole PNG")
        (length,) = struct.unpack_from(">I", content, at)
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        crc = content[at + 8 + length : at + 12 + length]
        if len(body) != length or crc != struct.pack(">I", zlib.crc32(name + body)):
            raise LogoRefused("a damaged PNG")
        yield name, body
        at += 12 + length
        if name == b"IEND" and at != len(content):
            raise LogoRefused("something follows the PNG")


def _checked_svg(content: bytes) -> bytes:
    try:
        text = content.decode("utf-8")
        if "<!" in text or "<?" in text.removeprefix('<?xml version="1.0" encoding="UTF-8"?>'):
            raise LogoRefused("no declarations, comments or instructions in a logo")
        root = ElementTree.fromstring(text)  # noqa: S314 - without a declaration there are no entities
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise LogoRefused("neither a PNG nor an SVG") from error
    if root.tag != f"{{{_SVG}}}svg":
        raise LogoRefused("neither a PNG nor an SVG")
    for element in root.iter():
        _check_element(element)
    return content


def _check_element(element: ElementTree.Element) -> None:
    tag = element.tag.removeprefix(f"{{{_SVG}}}")
    if tag not in _ELEMENTS:
        raise LogoRefused(f"an element {tag!r} does not belong into a logo")
    for name, value in element.attrib.items():
        if name not in _ATTRIBUTES:
            raise LogoRefused(f"an attribute {name!r} does not belong into a logo")
        bare = _REFERENCE.sub("", value)
        if "url" in bare.lower() or not _VALUE.fullmatch(bare):
            raise LogoRefused(f"the value of {name!r} refers to elsewhere")


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
