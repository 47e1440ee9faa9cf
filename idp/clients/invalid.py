"""A registration that cannot be taken."""

from __future__ import annotations

from typing import Literal

RegistrationError = Literal[
    "invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement"
]
"""RFC 7591, section 3.2.2."""


class InvalidRegistration(Exception):
    """`description` may be shown to whoever asked, and never repeats more of it than the name of a member."""

    def __init__(self, error: RegistrationError, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
