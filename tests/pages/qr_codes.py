"""What a drawn QR code holds: its modules, read back from the picture."""

from __future__ import annotations

import re
from urllib.parse import unquote

import segno


def modules(picture: str) -> list[list[int]]:
    """The dark modules of a `data:` URI of an SVG, row by row, without its quiet zone of four."""
    svg = unquote(picture.removeprefix("data:image/svg+xml;charset=utf-8,"))
    side = int(re.findall(r"width=['\"](\d+)", svg)[0]) // 4 - 8
    (path,) = re.findall(
        r"stroke=['\"]#000['\"][^>]*? d=['\"]([^'\"]+)|d=['\"]([^'\"]+)['\"][^>]*stroke=['\"]#000", svg
    )
    drawn = [[0] * side for _ in range(side)]
    x = y = 0.0
    for command, said in re.findall(r"([Mmh])([^Mmh]+)", "".join(path)):
        numbers = [float(one) for one in re.findall(r"-?[\d.]+", said)]
        if command == "h":
            for column in range(int(x), int(x + numbers[0])):
                drawn[int(y) - 4][column - 4] = 1
            x += numbers[0]
        else:
            x, y = (numbers[0], numbers[1]) if command == "M" else (x + numbers[0], y + numbers[1])
    return drawn


def encodes(picture: str, text: str) -> bool:
    """Whether a picture is the QR code of a text."""
    return modules(picture) == [list(row) for row in segno.make(text, error="m", micro=False).matrix]
