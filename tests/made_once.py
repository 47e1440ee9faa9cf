"""What a process makes once in its life, a test would make anew a thousand times: keys that are read, trust stores,
catalogues, compiled templates. A process of tests makes each of them once as well; none is changed by whoever uses it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from functools import cache, lru_cache
from typing import Any

import httpcore2
import jinja2
import pytest
import uvicorn.server
from argon2 import PasswordHasher
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

import config.connections
import idp.credentials.password
import pages.catalogue
import pages.renderer
from jose.keys import SigningKey

HASTE = 10
"""So many times as often as otherwise, uvicorn looks whether it is to stop, and its last connection has gone."""


def make_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until `monkeypatch` is undone."""
    monkeypatch.setattr(httpcore2, "default_ssl_context", _trust_store)
    monkeypatch.setattr(SigningKey, "from_private_bytes", lru_cache(64)(SigningKey.from_private_bytes))
    monkeypatch.setattr(pages.catalogue, "read_messages", cache(pages.catalogue.read_messages))
    monkeypatch.setattr(pages.renderer, "Environment", _Environment)
    monkeypatch.setattr(idp.credentials.password, "PasswordHasher", _Hasher)
    monkeypatch.setattr(uvicorn.server, "asyncio", _Hasty())
    monkeypatch.setattr(config.connections, "create_async_engine", _engine)
    monkeypatch.setattr(PGDialect_asyncpg, "__eq__", lambda one, other: type(one) is type(other))
    monkeypatch.setattr(PGDialect_asyncpg, "__hash__", lambda one: hash(type(one)))


_new_context = httpcore2.default_ssl_context


def _trust_store(*, _trust_env: bool = True) -> ssl.SSLContext:
    named = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")) if _trust_env else None
    return _trust_store_of(named)


@cache
def _trust_store_of(named: tuple[str | None, str | None] | None) -> ssl.SSLContext:
    return _new_context(_trust_env=named is not None)


_compiled_statements: Any = LRUCache(10_000)


def _engine(*arguments: Any, **options: Any) -> AsyncEngine:
    """A statement is compiled once for all pools: they differ in where they connect to, and in nothing else."""
    engine = create_async_engine(*arguments, **options)
    engine.sync_engine._compiled_cache = _compiled_statements
    return engine


class _Compiled(jinja2.BytecodeCache):
    """jinja2 itself compares the template's source with what was compiled."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if code := self._codes.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


_compiled = _Compiled()


class _Environment(jinja2.Environment):
    def __init__(self, **options: Any) -> None:
        super().__init__(bytecode_cache=_compiled, **options)


class _Hasher(PasswordHasher):
    """What a hash costs whoever guesses, no test is about."""

    def __init__(self, **parameters: int) -> None:
        super().__init__(**{**parameters, "memory_cost": min(parameters["memory_cost"], 1024)})


class _Hasty:
    """asyncio, as uvicorn's server sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, delay: float) -> None:
        await asyncio.sleep(delay / HASTE)
