"""One question to an engine, on a connection of its own."""

from __future__ import annotations

import socket

import asyncpg

from config.settings import Settings


async def ask(settings: Settings, query: str, user: str = "munjigi_owner") -> object:
    connection = await asyncpg.connect(host=str(settings.runtime), user=user, database="munjigi")
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def valkey_says(settings: Settings, *words: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(settings.runtime / "valkey.sock"))
        parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)
        client.sendall(b"*%d\r\n%s" % (len(words), parts))
        return client.recv(1024)
