"""Certificates are taken up anew while the gateway listens; wrong ones are refused, and the last good ones stay."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import structlog

from config.sections.gateway import GatewaySettings
from gateway.file_mark import Mark, mark_of
from gateway.listening.tls import TlsFiles, WrongCertificate, tls_context
from gateway.rounds import pause

_log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0
"""Seconds."""

Use = Callable[[ssl.SSLContext], Awaitable[None]]
"""What shows the certificates to those who come from now on."""


class Certificates:
    """Looks at the files, or is told to."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises `WrongCertificate`."""
        self._files = files
        self._seen = self._mark()
        self._asked = False
        self.context = tls_context(files)
        self.use: Use | None = None
        """Set by whoever listens."""

    @classmethod
    def of(cls, settings: GatewaySettings) -> Certificates | None:
        """Those of the settings; None: plain HTTP. Raises `WrongCertificate`."""
        if settings.tls_certificate is None or settings.tls_key is None:
            return None
        return cls(
            TlsFiles(
                settings.tls_certificate,
                settings.tls_key,
                settings.tls_others,
                settings.client_ca,
                client_required=settings.client_certificates == "required",
            )
        )

    def ask(self) -> None:
        """Take them up anew at the next look, changed or not."""
        self._asked = True

    async def look(self) -> bool:
        """Take them up if a file changed, or it was asked for; says whether they were taken up."""
        mark = self._mark()
        if mark == self._seen and not self._asked:
            return False
        self._seen, self._asked = mark, False
        try:
            context = tls_context(self._files)
        except WrongCertificate as error:
            _log.error("certificates_refused", private=str(error))
            return False
        self.context = context
        if self.use is not None:
            await self.use(context)
        _log.info("certificates_taken_up")
        return True

    async def follow(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop` is set."""
        while not stop.is_set():
            await self.look()
            await pause(LOOK_EVERY, stop)

    def _mark(self) -> list[Mark]:
        return [mark_of(path) for path in self._files.all]
