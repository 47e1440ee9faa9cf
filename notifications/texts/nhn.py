"""NHN Cloud SMS v3.0, its API for codes (`/sender/auth/sms`): JSON under a key of the app and its secret.

Source: NHN Cloud's "Notification > SMS > API v3.0 Guide".
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from config.sections.messages import TextSettings
from config.settings import WrongSettings
from notifications.outcome import Away, Deferred, Refused
from notifications.texts.dialling import KOREA, in_its_country
from notifications.texts.provider import Line, Text, said, unless_taken

NAME: Final = "nhn"
_LATER: Final = frozenset({-9997, -9998, -9999})
"""Its own troubles."""


class _Header(msgspec.Struct, frozen=True, rename="camel"):
    is_successful: bool = False
    result_code: int = 0


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    result_code: int = 0


class _Data(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str = ""
    send_result_list: tuple[_Result, ...] = ()


class _Body(msgspec.Struct, frozen=True):
    data: _Data = _Data()


class _Said(msgspec.Struct, frozen=True):
    header: _Header = _Header()
    body: _Body | None = None


class NhnCloud:
    """Sends by one app, from a number that is registered there."""

    name = NAME

    def __init__(self, settings: TextSettings) -> None:
        """Raises `WrongSettings` where something is missing."""
        if not settings.nhn_app_key or settings.nhn_secret_key is None or not settings.sender:
            raise WrongSettings(
                "MUNJIGI_TEXTS__NHN_APP_KEY, MUNJIGI_TEXTS__NHN_SECRET_KEY, MUNJIGI_TEXTS__SENDER: nhn needs all three."
            )
        self._line = Line(settings.nhn_api, "MUNJIGI_TEXTS__NHN_API")
        self._path = f"/sms/v3.0/appKeys/{settings.nhn_app_key}/sender/auth/sms"
        self._secret, self._sender = settings.nhn_secret_key, settings.sender

    async def send(self, text: Text, now: datetime) -> str:
        """`SmsProvider.send`."""
        country, number = in_its_country(text.to)
        recipient = {"recipientNo": number} if country == KOREA else {"internationalRecipientNo": text.to[1:]}
        answer = await self._line.post(
            self._path,
            headers={"X-Secret-Key": self._secret.get_secret_value(), "Content-Type": "application/json;charset=UTF-8"},
            content=msgspec.json.encode({"body": text.words, "sendNo": self._sender, "recipientList": [recipient]}),
        )
        try:
            document = msgspec.json.decode(answer.body, type=_Said)
        except msgspec.MsgspecError:
            document = _Said()
        code = document.header.result_code
        if (refusal := unless_taken(answer, str(code), now)) is not None:
            raise refusal
        if not document.header.is_successful:  # its errors come with 200, too: of the request, not of the number
            told = said(answer.status, str(code))
            raise Deferred(told) if code in _LATER or not code else Away(told)
        data = document.body.data if document.body is not None else _Data()
        failed = [result.result_code for result in data.send_result_list if result.result_code]
        if failed:
            raise Refused(said(answer.status, str(failed[0])))
        if not data.request_id:
            raise Deferred("an answer that cannot be read")
        return data.request_id

    async def leave(self) -> None:
        """`SmsProvider.leave`."""
        await self._line.leave()
