"""From a letter to a mail: both parts, its headers, and no way to smuggle one in (RFC 5322, RFC 2046)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config.sections.surroundings import SupportSettings
from notifications.face import OURS, Face, contact
from notifications.letter import Letter, one_line, write
from notifications.notice import Notice
from notifications.outcome import WrongAddress
from pages.catalogue import Catalogue
from pages.renderer import OWN as PAGES

TEMPLATES = Path(__file__).parent / "templates"

LONGEST_ADDRESS = 254
"""Characters of an address (RFC 5321, section 4.5.3.1.3, less the brackets)."""
_NEVER = frozenset(" ,;<>")
_LOGO = "logo@munjigi"
"""The Content-ID of an organisation's logo (RFC 2392)."""


class Mails:
    """Writes the mails of one sender."""

    def __init__(self, sender: str, support: SupportSettings) -> None:
        """`sender` as RFC 5322, section 3.4 writes a mailbox. Raises `WrongAddress`."""
        self._sender = mailbox(sender)
        self._support = support
        self._catalogue = Catalogue.load(PAGES / "templates" / "messages.toml", TEMPLATES / "messages.toml")
        loader = FileSystemLoader(TEMPLATES)
        self._html = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._text = Environment(
            loader=loader,
            autoescape=False,  # noqa: S701 - plain text has nothing to escape
            undefined=StrictUndefined,
            trim_blocks=True,
        )

    @property
    def domain(self) -> str:
        """The domain of the sender: in message ids, and as whom we greet the server."""
        return self._sender.domain

    @property
    def envelope_sender(self) -> str:
        """Where reports of failed delivery go (RFC 5321, section 4.1.1.2)."""
        return self._sender.addr_spec

    def mail(self, message_id: UUID, notice: Notice, now: datetime, face: Face = OURS) -> EmailMessage:
        """The mail of a notice, in the name of whoever's `face` it bears.

        Its Message-ID is made of the row's id, so that a mail that had to be sent twice is one mail to its receivers.
        Raises `WrongNotice` or `WrongAddress`.
        """
        letter = write(notice, self._catalogue, contact(face.support or self._support))
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = recipient(notice.to, notice.name)
        mail["Subject"] = letter.subject
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{message_id}@{self.domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5: nobody's absence note answers it
        context = self._context(letter, face)
        mail.set_content(self._text.get_template("letter.txt").render(context))
        mail.add_alternative(self._html.get_template("letter.html").render(context), subtype="html")
        if (logo := face.logo()) is not None:
            html: Any = mail.get_body(("html",))
            html.add_related(logo, "image", "png", cid=f"<{_LOGO}>", disposition="inline")
        mail["Content-Language"] = letter.locale  # last, since `set_content` takes every Content-* header away
        return mail

    def _context(self, letter: Letter, face: Face) -> Mapping[str, object]:
        return {
            "brand": face.brand(letter.locale, self._catalogue.text("page.brand", letter.locale)),
            "accent": face.colours(),
            "logo": f"cid:{_LOGO}" if face.logo() is not None else "",
            **{name: getattr(letter, name) for name in Letter.__dataclass_fields__},
        }


def mailbox(text: str) -> Address:
    """A mailbox with or without a name. Raises `WrongAddress` for anything else, and for more than one."""
    if any(ord(character) < 32 for character in text):
        raise WrongAddress
    header: Any = HeaderRegistry()("From", text)
    found: tuple[Address, ...] = header.addresses
    if len(found) != 1 or header.defects:
        raise WrongAddress
    return _sound(found[0])


def recipient(address: str, name: str) -> Address:
    """Whom a mail goes to; a domain of other letters in its ASCII form (RFC 5890). Raises `WrongAddress`."""
    local, _, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
        return _sound(Address(display_name=one_line(name), addr_spec=f"{local}@{ascii_domain}"))
    except (HeaderParseError, ValueError, IndexError) as error:
        raise WrongAddress from error


def _sound(address: Address) -> Address:
    spec = address.addr_spec
    if not address.username or not address.domain or len(spec) > LONGEST_ADDRESS or set(spec) & _NEVER:
        raise WrongAddress
    if not (spec.isascii() and spec.isprintable()):
        raise WrongAddress
    return address
