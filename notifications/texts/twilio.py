"""Twilio's Messages API (2010-04-01): a form by HTTP Basic, answered by JSON; receipts that it signs.

Source: Twilio's "Messages resource", "Error and Warning Dictionary" and "Webhooks security".
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from config.sections.messages import TextSettings
from config.settings import WrongSettings
from notifications.outcome import Away, Deferred, Refused
from notifications.texts.provider import Line, Text, said, unless_taken

NAME: Final = "twilio"
RECEIPTS: Final = "/text-messages/twilio"
"""Where its receipts come, under the issuer; the id of the message follows."""
LONGEST_VALIDITY: Final = 36_000
"""Seconds that it keeps a message at most (`ValidityPeriod`)."""
_NOT_THE_NUMBER: Final = frozenset(
    {
        20003,  # authenticate
        20005,  # the account is not active
        20429,  # too many requests
        21212,  # 'From' is no number
        21603,  # 'From' is missing
        21606,  # 'From' is not ours, or sends no texts
        21611,  # the queue of 'From' is full
        21701,  # there is no such messaging service
        21703,  # it has no number
        21705,  # its id is wrong
        30002,  # the account is suspended
        63038,  # the account's daily limit
    }
)
"""Errors that every other text would get, too: nothing is wrong with this one."""
STATES: Final = {"sent": "sent", "delivered": "delivered", "undelivered": "failed", "failed": "failed"}
"""Its `MessageStatus`, as far as something changed, as we name it."""


class _Said(msgspec.Struct, frozen=True):
    sid: str = ""
    code: int | None = None
    error_code: int | None = None


class Twilio:
    """Sends by one account, from a messaging service or a number of it."""

    name = NAME

    def __init__(self, settings: TextSettings, issuer: str) -> None:
        """Raises `WrongSettings` where something is missing."""
        if not settings.twilio_account or settings.twilio_token is None:
            raise WrongSettings("MUNJIGI_TEXTS__TWILIO_ACCOUNT, MUNJIGI_TEXTS__TWILIO_TOKEN: twilio needs both.")
        if not (settings.twilio_service or settings.sender):
            raise WrongSettings("MUNJIGI_TEXTS__TWILIO_SERVICE or MUNJIGI_TEXTS__SENDER: twilio needs one of them.")
        self._line = Line(settings.twilio_api, "MUNJIGI_TEXTS__TWILIO_API")
        self._path = f"/2010-04-01/Accounts/{settings.twilio_account}/Messages.json"
        self._from = (
            {"MessagingServiceSid": settings.twilio_service} if settings.twilio_service else {"From": settings.sender}
        )
        known = f"{settings.twilio_account}:{settings.twilio_token.get_secret_value()}"
        self._authorization = "Basic " + base64.b64encode(known.encode()).decode()
        self._receipts = f"{issuer}{RECEIPTS}" if issuer.startswith("https://") else ""

    async def send(self, text: Text, now: datetime) -> str:
        """`SmsProvider.send`."""
        valid = max(1, min(int((text.expires_at - now).total_seconds()), LONGEST_VALIDITY))
        form = {"To": text.to, **self._from, "Body": text.words, "ValidityPeriod": str(valid)}
        if self._receipts:
            form["StatusCallback"] = f"{self._receipts}/{text.id}"
        answer = await self._line.post(
            self._path,
            headers={"Authorization": self._authorization, "Content-Type": "application/x-www-form-urlencoded"},
            content=urlencode(form).encode(),
        )
        try:
            document = msgspec.json.decode(answer.body, type=_Said)
        except msgspec.MsgspecError:
            document = _Said()
        code = document.code or document.error_code
        if (refusal := unless_taken(answer, str(code or ""), now)) is not None:
            raise refusal
        told = said(answer.status, str(code or ""))
        if answer.status in (200, 201) and code is None:
            if not document.sid:
                raise Deferred("an answer that cannot be read")
            return document.sid
        raise (Away if code in _NOT_THE_NUMBER or answer.status == 404 else Refused)(told)

    async def leave(self) -> None:
        """`SmsProvider.leave`."""
        await self._line.leave()


def signature(token: str, address: str, form: Iterable[tuple[str, str]]) -> str:
    """What `X-Twilio-Signature` of a receipt is: HMAC-SHA1 over its address and, by name, its fields."""
    message = address + "".join(f"{name}{value}" for name, value in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), message.encode("utf-8", "surrogatepass"), "sha1")).decode()


def is_signed(token: str, address: str, form: Iterable[tuple[str, str]], given: str) -> bool:
    """Whether a receipt is Twilio's."""
    expected = signature(token, address, form).encode()
    return hmac.compare_digest(expected, given.encode("utf-8", "surrogatepass"))
