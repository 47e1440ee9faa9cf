"""SOLAPI (CoolSMS) v4, which hands texts to the Korean carriers: JSON under an HMAC-SHA256 of date and salt.

Source: SOLAPI's "Authentication" and `POST /messages/v4/send-many/detail`.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Final

import msgspec

from config.entropy import Entropy
from config.sections.messages import TextSettings
from config.settings import WrongSettings
from notifications.outcome import Away, Deferred, Refused
from notifications.texts.dialling import in_its_country
from notifications.texts.provider import Line, Text, said, unless_taken

NAME: Final = "solapi"
PATH: Final = "/messages/v4/send-many/detail"
_OURS: Final = frozenset(
    {"NotEnoughBalance", "SenderNotRegistered", "InvalidAPIKey", "SignatureDoesNotMatch", "RequestTimeTooSkewed"}
)
"""Errors that every other text would get, too."""


class _Failed(msgspec.Struct, frozen=True, rename="camel"):
    status_code: str = ""


class _Group(msgspec.Struct, frozen=True, rename="camel"):
    group_id: str = ""


class _Said(msgspec.Struct, frozen=True, rename="camel"):
    error_code: str = ""
    failed_message_list: tuple[_Failed, ...] = ()
    group_info: _Group = _Group()


class Solapi:
    """Sends by one key, from a number that is registered there (발신번호 사전등록제)."""

    name = NAME

    def __init__(self, settings: TextSettings, entropy: Entropy) -> None:
        """Raises `WrongSettings` where something is missing."""
        if not settings.solapi_key or settings.solapi_secret is None or not settings.sender:
            raise WrongSettings(
                "MUNJIGI_TEXTS__SOLAPI_KEY, MUNJIGI_TEXTS__SOLAPI_SECRET, MUNJIGI_TEXTS__SENDER: solapi needs them."
            )
        self._line = Line(settings.solapi_api, "MUNJIGI_TEXTS__SOLAPI_API")
        self._key, self._secret, self._sender = settings.solapi_key, settings.solapi_secret, settings.sender
        self._entropy = entropy

    async def send(self, text: Text, now: datetime) -> str:
        """`SmsProvider.send`. One text at a time: what fails is then this one alone."""
        country, number = in_its_country(text.to)
        message = {"to": number, "from": self._sender, "text": text.words, "country": country, "autoTypeDetect": True}
        answer = await self._line.post(
            PATH,
            headers={"Authorization": self._authorization(now), "Content-Type": "application/json"},
            content=msgspec.json.encode({"messages": [message]}),
        )
        try:
            document = msgspec.json.decode(answer.body, type=_Said)
        except msgspec.MsgspecError:
            document = _Said()
        if (refusal := unless_taken(answer, document.error_code, now)) is not None:
            raise refusal
        if answer.status != 200:
            raise (Away if document.error_code in _OURS else Refused)(said(answer.status, document.error_code))
        if document.failed_message_list:
            raise Refused(said(answer.status, document.failed_message_list[0].status_code))
        if not document.group_info.group_id:
            raise Deferred("an answer that cannot be read")
        return document.group_info.group_id

    async def leave(self) -> None:
        """`SmsProvider.leave`."""
        await self._line.leave()

    def _authorization(self, now: datetime) -> str:
        date = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        salt = self._entropy.uuid().hex  # the same one twice within 15 minutes is refused
        digest = hmac.digest(self._secret.get_secret_value().encode(), f"{date}{salt}".encode(), "sha256").hex()
        return f"HMAC-SHA256 apiKey={self._key}, date={date}, salt={salt}, signature={digest}"
