"""`munjigi doctor`: what is right and what is not, a line each, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TextIO

from cli.checks import check_addresses, check_space, check_writable
from cli.health import ask, is_ready
from cli.services import services_of
from config.client_secret import load_client_secret
from config.connections import open_database, open_valkey
from config.engines.account import engine_account
from config.engines.folders import make_var
from config.engines.programs import postgresql_programs, valkey_program
from config.envelope import Envelope
from config.settings import Settings, load_settings
from migrations.runner import current_revision, newest_revision

_UNWELL = "`munjigi up` starts the embedded engines"


class _Wrong(Exception):
    """A finding; the message says what to do."""


def examine(out: TextIO) -> bool:
    """Check everything and tell it. Gives whether all is right."""
    settings: list[Settings] = []

    def read_settings() -> str:
        settings.append(load_settings())
        return f"read; var is {settings[0].var.absolute()}"

    well = _tell(out, "settings", read_settings)
    if not settings:
        return False
    for name, check in _checks(settings[0]).items():
        well &= _tell(out, name, check)
    return well


def _tell(out: TextIO, name: str, check: Callable[[], str]) -> bool:
    try:
        finding = check()
    except Exception as error:  # a doctor tells whatever is wrong
        out.write(f"WRONG  {name}: {error or type(error).__name__}\n")
        return False
    out.write(f"ok     {name}: {finding}\n")
    return True


def _checks(settings: Settings) -> dict[str, Callable[[], str]]:
    def folder() -> str:
        if not settings.var.exists():
            return "not there yet; `munjigi up` makes it"
        make_var(settings)
        check_writable(settings)
        check_space(settings)
        return "can be written, and has room"

    def programs() -> str:
        if settings.database.url and not settings.valkey.is_embedded:
            return "not needed: both engines are elsewhere"
        account = engine_account(settings, settings.var.absolute() / "postgres")
        postgresql_programs(settings, account)
        valkey_program(settings, account)
        return f"embedded engines run as {account.name}"

    def secrets() -> str:
        Envelope.load(settings)
        load_client_secret(settings)
        return "the master key and the gateway's secret are there, and closed to others"

    def processes() -> str:
        alive = [service.name for service in services_of(settings) if ask(settings, service.name, "/healthz")]
        if not alive:
            check_addresses(settings)
            return "none runs, and their addresses are free"
        unwell = [service.name for service in services_of(settings) if not is_ready(settings, service.name)]
        if unwell:
            raise _Wrong(f"not ready: {', '.join(unwell)}; see {settings.var.absolute() / 'log'}")
        return "all are ready"

    return {
        "var": folder,
        "engines' programs": programs,
        "secrets": secrets,
        "PostgreSQL": lambda: asyncio.run(_patient(_ask_database(settings))),
        "Valkey": lambda: asyncio.run(_patient(_ask_valkey(settings))),
        "processes": processes,
    }


async def _patient(question: Awaitable[str]) -> str:
    async with asyncio.timeout(5):
        return await question


async def _ask_database(settings: Settings) -> str:
    database = open_database(settings, "owner")
    try:
        found = await current_revision(database)
    except OSError as error:
        raise _Wrong(f"does not answer ({error}); {_UNWELL}") from error
    finally:
        await database.dispose()
    if found != newest_revision():
        raise _Wrong(
            f"at revision {found or 'none'}, and this version needs {newest_revision()}; run `munjigi migrate`"
        )
    return f"answers, at revision {found}"


async def _ask_valkey(settings: Settings) -> str:
    valkey = open_valkey(settings)
    try:
        await valkey.ping()
        durable = await valkey.config_get("appendonly")
    finally:
        await valkey.aclose()
    return f"answers, append-only file: {durable.get('appendonly', 'unknown')}"
