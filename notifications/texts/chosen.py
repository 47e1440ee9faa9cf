"""Who carries texts, as the settings say."""

from __future__ import annotations

from config.entropy import Entropy
from config.settings import Settings
from notifications.texts.local import LocalInbox
from notifications.texts.nhn import NhnCloud
from notifications.texts.provider import SmsProvider
from notifications.texts.solapi import Solapi
from notifications.texts.twilio import Twilio


def provider_of(settings: Settings, entropy: Entropy) -> SmsProvider | None:
    """The one that is set, or else the local inbox where there is one; `None`: no text goes out.

    Raises `WrongSettings`.
    """
    texts = settings.texts
    match settings.texts_go_by:
        case "twilio":
            return Twilio(texts, settings.idp.issuer)
        case "solapi":
            return Solapi(texts, entropy)
        case "nhn":
            return NhnCloud(texts)
        case "inbox":
            return LocalInbox(settings.inbox.listen, texts.sender or "munjigi")
        case None:
            return None
