"""Where the inbox takes mails: SMTP on loopback, without encryption and without asking who it is (RFC 5321)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from config.clock import Clock
from config.entropy import Entropy
from config.serving import listener
from notifications.inbox.kept import Inbox, read

LARGEST = 2 * 1024 * 1024
"""Bytes of a mail."""
MOST_RECIPIENTS = 50
PATIENCE = 60.0
"""Seconds that a connection may be idle."""


class Doorkeeper:
    """Takes every mail for everybody (the methods are aiosmtpd's hooks)."""

    def __init__(self, inbox: Inbox, clock: Clock, entropy: Entropy) -> None:
        self._inbox = inbox
        self._clock = clock
        self._entropy = entropy

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names its hooks so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        mail = read(
            cast(bytes, envelope.content),
            mail_id=self._entropy.token(12),
            sender=envelope.mail_from or "",
            to=envelope.rcpt_tos,
            received_at=self._clock.now(),
        )
        self._inbox.keep(mail)
        return "250 2.0.0 Kept in the local inbox"


@asynccontextmanager
async def smtp_door(listen: str, doorkeeper: Doorkeeper) -> AsyncIterator[None]:
    """Take mails until the block is left. Raises `config.serving.CannotListen`."""

    def connection() -> asyncio.Protocol:
        return SMTP(doorkeeper, hostname="localhost", data_size_limit=LARGEST, enable_SMTPUTF8=True, timeout=PATIENCE)

    server = await asyncio.get_running_loop().create_server(connection, sock=listener(listen))
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
