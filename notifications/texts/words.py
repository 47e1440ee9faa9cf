"""What a text message says: one line for its reader, and where it bears a code, as the last one what binds that to us.

That line (`@host #code`) is the format of origin-bound one-time codes (WICG, "Origin-bound one-time codes delivered via
SMS"): browsers offer such a code on pages of this host and nowhere else, so that no other site is filled in with it.
"""

from __future__ import annotations

import re
from typing import Final

from notifications.face import Face
from notifications.letter import WrongNotice, one_line
from notifications.notice import TEXTED, Notice, NoticeKind
from pages.catalogue import Catalogue
from pages.locale import Locale

LONGEST_BRAND: Final = 12
"""Characters: a text of Korean carriers has 90 bytes, two for each letter; a longer one costs several times as much."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_CODE = re.compile(r"[0-9]{4,10}")


def write_text(notice: Notice, catalogue: Catalogue, face: Face) -> str:
    """The words of a notice that goes by text. Raises `WrongNotice`."""
    if notice.kind not in TEXTED:
        raise WrongNotice("kind")
    locale: Locale = "en" if notice.locale == "en" else "ko"
    if notice.kind is NoticeKind.ORDER_CONFIRMED:
        brand = one_line(face.brand(locale, catalogue.text("page.brand", locale)))[:LONGEST_BRAND]
        number = one_line(notice.facts.get("number", ""))
        return catalogue.text("text.order_confirmed", locale, brand=brand, number=number)
    code, host = notice.facts.get("code", ""), notice.facts.get("host", "")
    if not _CODE.fullmatch(code):
        raise WrongNotice("code")
    if not _HOST.fullmatch(host):
        raise WrongNotice("host")
    brand = one_line(face.brand(locale, catalogue.text("page.brand", locale)))[:LONGEST_BRAND]
    said = catalogue.text(f"text.{notice.kind.value}", locale, brand=brand, code=code)
    return f"{said}\n@{host} #{code}"
