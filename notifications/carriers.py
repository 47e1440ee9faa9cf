"""The carriers of both channels: who writes a message, and hands it over."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from uuid import UUID

from notifications.face import Face
from notifications.mail import TEMPLATES, Mails
from notifications.metrics import MAIL, TEXT, Figures
from notifications.notice import Channel, Notice
from notifications.outcome import WrongAddress
from notifications.smtp import Postman
from notifications.texts.local import NAME as INBOX
from notifications.texts.provider import SmsProvider, Text
from notifications.texts.words import write_text
from pages.catalogue import Catalogue
from pages.renderer import OWN as PAGES


class MailCarrier:
    """Mails, by a server."""

    channel: Channel = "mail"
    figures: Figures = MAIL
    provider = ""

    def __init__(self, mails: Mails, postman: Postman) -> None:
        self._mails = mails
        self._postman = postman

    async def carry(self, message_id: UUID, notice: Notice, face: Face, *, expires_at: datetime, now: datetime) -> str:
        """`Carrier.carry`."""
        mail = self._mails.mail(message_id, notice, now, face)
        await self._postman.hand_over(mail, sender=self._mails.envelope_sender, recipient=_address(mail))
        return str(mail["Message-ID"])

    async def leave(self) -> None:
        """`Carrier.leave`."""
        await self._postman.leave()


class TextCarrier:
    """Texts, by a provider."""

    channel: Channel = "text"
    figures: Figures = TEXT

    def __init__(self, provider: SmsProvider) -> None:
        self._provider = provider
        self._catalogue = Catalogue.load(PAGES / "templates" / "messages.toml", TEMPLATES / "messages.toml")

    @property
    def provider(self) -> str:
        """`Carrier.provider`."""
        return self._provider.name if self._provider.name != INBOX else ""

    async def carry(self, message_id: UUID, notice: Notice, face: Face, *, expires_at: datetime, now: datetime) -> str:
        """`Carrier.carry`."""
        if not notice.to.startswith("+"):
            raise WrongAddress
        words = write_text(notice, self._catalogue, face)
        return await self._provider.send(Text(id=message_id, to=notice.to, words=words, expires_at=expires_at), now)

    async def leave(self) -> None:
        """`Carrier.leave`."""
        await self._provider.leave()


def _address(mail: EmailMessage) -> str:
    return str(mail["To"].addresses[0].addr_spec)
