"""Pictures that somebody uploads: taken for what their bytes are, and drawn anew, so that nothing else comes along.

What a file says of itself (its name, its type) is not looked at. A picture is decoded and encoded again: whatever stood
beside the pixels (where it was taken, a script, a second file) is gone, and it is turned as its camera was held.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final, Protocol
from uuid import UUID

from PIL import Image, ImageOps, UnidentifiedImageError

from config.connections import Transaction
from config.problem import Problem, ProblemType
from upstreams.commerce.catalogue.offers import Texts

MAX_BYTES: Final = 8 * 1024 * 1024
"""Of an upload."""
MAX_PIXELS: Final = 40_000_000
"""Of an upload: a small file may unpack to a huge picture."""
MAX_SIDE: Final = 1600
"""Pixels of the longer side of what is kept."""
MAX_PICTURES: Final = 12
"""Of one product."""
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_QUALITY: Final = 82

NOT_A_PICTURE = ProblemType(
    "MJ-COM-117",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "This is not a picture that can be shown",
    "Send a JPEG, PNG or WebP of at most 8 MiB and 40 million pixels.",
)
TOO_MANY_PICTURES = ProblemType(
    "MJ-COM-118",
    HTTPStatus.CONFLICT,
    "The product has as many pictures as it can have",
    "Remove one first.",
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as it is kept."""

    media: str
    width: int
    height: int
    content: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of its bytes: the same picture is kept once."""
        return hashlib.sha256(self.content).digest()


def draw_anew(uploaded: bytes) -> Drawn:
    """The picture in these bytes: opaque ones as JPEG, others as PNG. It takes time: call it beside the event loop.

    Raises the problem `NOT_A_PICTURE`.
    """
    if len(uploaded) > MAX_BYTES:
        raise Problem(NOT_A_PICTURE, private="too many bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(uploaded), formats=_FORMATS) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise Problem(NOT_A_PICTURE, private="too many pixels")
                turned = ImageOps.exif_transpose(opened)
                turned.thumbnail((MAX_SIDE, MAX_SIDE))
                return _encoded(turned)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
        raise Problem(NOT_A_PICTURE, private=f"{type(error).__name__}: {error}") from error


def _encoded(picture: Image.Image) -> Drawn:
    seen = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    # into a picture of its own: what the file knew besides stays behind
    bare = Image.new(seen.mode, seen.size)
    bare.paste(seen)
    out = io.BytesIO()
    if bare.mode == "RGB":
        bare.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
        return Drawn("image/jpeg", bare.width, bare.height, out.getvalue())
    bare.save(out, "PNG", optimize=True)
    return Drawn("image/png", bare.width, bare.height, out.getvalue())


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture at its place of a product."""

    id: UUID
    digest: bytes
    position: int
    width: int
    height: int
    alt: Texts


class Pictures(Protocol):
    """Pictures that are kept."""

    async def put(self, tx: Transaction, product: UUID, ident: UUID, drawn: Drawn, alt: Texts, now: datetime) -> Placed:
        """Keep a picture as the last of its product; one that it has already stays in its place, with the new words."""

    async def of(self, tx: Transaction, product: UUID) -> Sequence[Placed]:
        """The pictures of a product, in their order."""

    async def remove(self, tx: Transaction, product: UUID, ident: UUID) -> bool:
        """Take a picture from a product; its bytes go with the last one that shows them."""

    async def content(self, tx: Transaction, digest: bytes) -> tuple[str, bytes] | None:
        """The type and the bytes of a picture."""
