"""A whole gateway, as its settings say: TLS from the start, and other certificates by SIGHUP."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from config.settings import Settings
from tests.gateway.house import GATEWAY, running
from tests.gateway.proxy.authority import Authority
from tests.gateway.proxy.rig import free_port


async def test_tls_by_settings_and_new_certificates_by_a_signal(settings: Settings, folder: Path) -> None:
    authority, port = Authority(folder), free_port()
    files = authority.server("localhost")
    ends_tls = type(settings.gateway).model_validate(
        {"listen": f"127.0.0.1:{port}", "tls_certificate": files.certificate, "tls_key": files.key}
    )

    async def shown() -> bytes:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=authority.trusting(), server_hostname="localhost"
        )
        connection = writer.get_extra_info("ssl_object")
        writer.close()
        return bytes(connection.getpeercert(binary_form=True))

    async with running(settings.model_copy(update={"gateway": ends_tls}), GATEWAY):
        first = await shown()
        stamps = [(path, path.stat()) for path in (files.certificate, files.key)]
        authority.server("localhost")
        for path, stat in stamps:
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(20):
            while await shown() == first:
                pass
