"""A look as an administrator sends it, made into one that may be kept."""

from __future__ import annotations

import base64
import binascii
import re

from config.problem import Problem
from idp.administration import problems
from idp.administration.documents import LookRequest
from pages.look import Look, LookRefused, checked_look

_DATA = re.compile(r"data:image/(png|svg\+xml);base64,([A-Za-z0-9+/]+={0,2})")


def asked_look(asked: LookRequest | None) -> Look | None:
    """The look, checked from its first byte, whoever made its `data:` address. Raises `LOOK_REFUSED`."""
    if asked is None:
        return None
    try:
        return checked_look(
            name=asked.name, accent=asked.accent, logo=_file(asked.logo) if asked.logo else None, welcome=asked.welcome
        )
    except LookRefused as error:
        raise Problem(problems.LOOK_REFUSED, str(error)) from error


def _file(address: str) -> bytes:
    found = _DATA.fullmatch(address)
    try:
        return base64.b64decode(found[2] if found else "", validate=True) or _refuse()
    except binascii.Error:
        return _refuse()


def _refuse() -> bytes:
    raise LookRefused("logo", "a data: address of a PNG or SVG in base64 is expected")
