"""How a mail looks: its person's organisation, as far as it said, over the product's own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.sections.surroundings import SupportSettings
from pages.contrast import readable_on, tokens
from pages.locale import Locale
from pages.look import Look, said

_PNG: Final = "data:image/png;base64,"


@dataclass(frozen=True, slots=True)
class Face:
    """What an organisation says of itself. None: it says nothing, and the product speaks."""

    look: Look | None = None
    support: SupportSettings | None = None

    def brand(self, locale: Locale, otherwise: str) -> str:
        """Whose mail it is."""
        return (said(self.look.name, locale) if self.look is not None else "") or otherwise

    def colours(self) -> Mapping[str, str]:
        """`light`, `dark`, and what can be read on each."""
        accent = self.look.accent if self.look is not None and self.look.accent else tokens()["accent"]
        light, dark = accent["light"], accent["dark"]
        return {"light": light, "on_light": readable_on(light), "dark": dark, "on_dark": readable_on(dark)}

    def logo(self) -> bytes | None:
        """A PNG, which goes along in the mail; programs that read mail show no SVG."""
        address = self.look.logo if self.look is not None else ""
        return base64.b64decode(address.removeprefix(_PNG)) if address.startswith(_PNG) else None


def contact(support: SupportSettings) -> str:
    """Whom to ask, on one line."""
    return " · ".join(part for part in (support.name, support.email, support.phone, support.url) if part)


OURS = Face()
"""The product's own."""
