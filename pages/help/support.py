"""Whom a person can ask, and a mail to them that says already what they need to know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request

from config.sections.surroundings import SupportSettings
from pages.look import Look

Asking = Callable[[Request], Awaitable["Support"]]
"""Whom the person behind a request can ask."""


@dataclass(frozen=True, slots=True)
class Support:
    """Whom to ask; what is empty is not offered."""

    name: str
    email: str
    phone: str
    url: str
    look: Look | None = None
    """How the pages of theirs look."""

    @classmethod
    def of(cls, settings: SupportSettings) -> Support:
        """Those of the house, where an organisation names nobody."""
        return cls(settings.name, settings.email, settings.phone, settings.url)

    @property
    def site(self) -> str:
        """The address of a page of theirs; nothing but a web address is believed to be one."""
        return self.url if self.url.startswith(("https://", "http://")) else ""

    def mail(self, *, subject: str, body: str) -> str:
        """A `mailto:` address with subject and body (RFC 6068); empty where nobody takes mails."""
        if not self.email:
            return ""
        address = quote(self.email, safe="@")
        return f"mailto:{address}?subject={quote(subject, safe='')}&body={quote(body, safe='')}"


def house_support(settings: SupportSettings) -> Asking:
    """Everybody asks the house: where it is not known to which organisation somebody belongs."""
    support = Support.of(settings)

    async def asking(_request: Request) -> Support:
        return support

    return asking
