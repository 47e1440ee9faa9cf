"""A number as it is dialled within its country, for providers that do not take E.164."""

from __future__ import annotations

from typing import Final

import phonenumbers

from notifications.outcome import WrongAddress

KOREA: Final = "82"


def in_its_country(number: str) -> tuple[str, str]:
    """The calling code and the national number of a number in E.164; in Korea with its leading zero, as carriers there
    write it. Raises `WrongAddress`."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException as error:
        raise WrongAddress from error
    country, national = str(parsed.country_code), phonenumbers.national_significant_number(parsed)
    return country, f"0{national}" if country == KOREA else national
