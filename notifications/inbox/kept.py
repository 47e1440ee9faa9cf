"""The mails and texts that were taken, the newest first, in memory: they are gone with the process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from notifications.notice import Channel

CAPACITY = 500


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it was taken; or a text message, which has neither subject nor HTML."""

    id: str
    received_at: datetime
    sender: str
    """As the SMTP envelope said it; of a text, who it says it is from."""
    to: tuple[str, ...]
    """Likewise."""
    subject: str
    message_id: str
    text: str
    html: str
    channel: Channel = "mail"

    def is_for(self, address: str) -> bool:
        """Whether it went to this address."""
        return address.casefold() in (to.casefold() for to in self.to)


class Inbox:
    """Keeps the newest mails, and tells whoever watches that one came."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._mails: deque[Mail] = deque(maxlen=capacity)
        self._changed = asyncio.Event()

    def keep(self, mail: Mail) -> None:
        """Keep a mail; beyond the capacity the oldest goes."""
        self._mails.appendleft(mail)
        self.wake()

    def wake(self) -> None:
        """Let everybody who watches look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def changed(self) -> asyncio.Event:
        """Set when the next mail comes; taken before one looks, so that none is missed."""
        return self._changed

    def newest(self, *, to: str = "", limit: int = CAPACITY) -> Sequence[Mail]:
        """The newest mails, of one address or of all."""
        found = (mail for mail in self._mails if not to or mail.is_for(to))
        return [mail for _, mail in zip(range(limit), found, strict=False)]

    def since(self, mail_id: str) -> Sequence[Mail]:
        """What came after a mail, the oldest first; everything, if that one is no longer here."""
        found: list[Mail] = []
        for mail in self._mails:
            if mail.id == mail_id:
                break
            found.append(mail)
        return found[::-1]

    def find(self, mail_id: str) -> Mail | None:
        return next((mail for mail in self._mails if mail.id == mail_id), None)

    def clear(self) -> None:
        self._mails.clear()


def read(content: bytes, *, mail_id: str, sender: str, to: Sequence[str], received_at: datetime) -> Mail:
    """A mail from the bytes that were sent. One that cannot be read is shown as it came."""
    try:
        message = message_from_bytes(content, policy=default)
        text, html = _part(message, "plain"), _part(message, "html")
        subject, message_id = str(message.get("Subject", "")), str(message.get("Message-ID", ""))
    except (ValueError, LookupError, AttributeError, TypeError):
        text, html, subject, message_id = content.decode("utf-8", "replace"), "", "", ""
    return Mail(mail_id, received_at, sender, tuple(to), subject, message_id, text, html)


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content())
