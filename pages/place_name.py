"""What a place is called: codes of `config.places` in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping

from babel import Locale as Cldr

from config.places import LOCAL_NETWORK, THIS_MACHINE
from pages.catalogue import Catalogue
from pages.locale import LOCALES, Locale

_COUNTRIES: Mapping[Locale, Mapping[str, str]] = {locale: Cldr(locale).territories for locale in LOCALES}
_OWN = {THIS_MACHINE: "place.this_machine", LOCAL_NETWORK: "place.local_network", "": "place.unknown"}


def place_name(code: str, locale: Locale, catalogue: Catalogue) -> str:
    """The name that CLDR gives a country, or the words of the catalogue; a code that neither knows stays as it is."""
    if code in _OWN:
        return catalogue.text(_OWN[code], locale)
    return _COUNTRIES[locale].get(code, code)
