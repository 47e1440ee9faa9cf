"""The local inbox takes texts, too, where nobody is set who carries them: nothing leaves this machine."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from notifications.outcome import Deferred
from notifications.texts.provider import Line, Text, said

NAME: Final = "inbox"
PATH: Final = "/api/texts"


class LocalInbox:
    """Hands texts to the process `inbox`."""

    name = NAME

    def __init__(self, listen: str, sender: str) -> None:
        """`listen`: where the inbox shows what it took."""
        self._line = Line(f"http://{listen}", "MUNJIGI_INBOX__LISTEN")
        self._sender = sender

    async def send(self, text: Text, now: datetime) -> str:
        """`SmsProvider.send`."""
        answer = await self._line.post(
            PATH,
            headers={"Content-Type": "application/json"},
            content=msgspec.json.encode({"from": self._sender, "to": text.to, "text": text.words}),
        )
        if answer.status != 201:
            raise Deferred(said(answer.status, ""))
        return ""

    async def leave(self) -> None:
        """`SmsProvider.leave`."""
        await self._line.leave()
