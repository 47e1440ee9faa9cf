"""QR codes, as pictures that a page or a program shows as they are."""

from __future__ import annotations

import segno


def qr_code(text: str) -> str:
    """The QR code of an address as a `data:` URI of an SVG, black on white in every colour scheme."""
    drawn: str = segno.make(text, error="m", micro=False).svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
    return drawn
