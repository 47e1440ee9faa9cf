"""Where somebody is led, as a phrase: Korean's particle depends on how the name ends."""

from __future__ import annotations

from pages.locale import Locale

_FIRST, _LAST = 0xAC00, 0xD7A3
_FINALS = 28
_RIEUL = 8


def towards(name: str, locale: Locale) -> str:
    """`달빛상점으로`, `서울로`; `to the shop`. Where the end of a name does not tell how it sounds: `Shop(으)로`."""
    if locale == "en":
        return f"to {name}"
    last = ord(name[-1]) if name else 0
    if not _FIRST <= last <= _LAST:
        return f"{name}(으)로"
    return name + ("로" if (last - _FIRST) % _FINALS in (0, _RIEUL) else "으로")
