"""Structured logs: one JSON object a line, with the correlation id of the work at hand, and never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import TextIO

import structlog
from structlog.types import EventDict, WrappedLogger

from config.sections.surroundings import LogSettings

SECRET_NAMES = frozenset(
    {
        "access_token", "assertion", "authorization", "client_secret", "code", "code_verifier", "cookie", "id_token",
        "password", "refresh_token", "secret", "set-cookie", "token",
    }
)  # fmt: skip
MASK = "[secret]"
_LINE = 200
_PAUSE = 10.0
_QUIET = (
    "authlib",
    "casbin",
    "httpx2",
    "httpcore2",
    "sqlalchemy.engine",
    "alembic",
    "mail.log",  # aiosmtpd's
)  # Authlib logs raw tokens at DEBUG


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor that hides the value of every field whose name says that it is a secret, at any depth."""
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: object) -> object:
    if name.lower() in SECRET_NAMES:
        return MASK
    if isinstance(value, dict):
        return {inner: _masked(str(inner), inner_value) for inner, inner_value in value.items()}
    return value


def configure_logging(
    settings: LogSettings, *, service: str, quiet: Iterable[str] = _QUIET, terminal: TextIO | None = None
) -> None:
    """Send this process's logs, structlog's and the standard library's alike, to standard error.

    With `terminal`, warnings and worse are told there too: a short line each, without tracebacks, and no event more
    often than every ten seconds.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service),
        mask_secrets,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if settings.format == "json" else structlog.dev.ConsoleRenderer()
    )
    handlers = [_handler(sys.stderr, shared, [structlog.processors.format_exc_info, renderer])]
    if terminal is not None:
        handlers.append(_handler(terminal, shared, [_one_line]))
        handlers[-1].setLevel(logging.WARNING)
        handlers[-1].addFilter(_Seldom())
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in quiet:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _handler(
    stream: TextIO, shared: list[structlog.types.Processor], last: list[structlog.types.Processor]
) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    return handler


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """A person's line: who, how bad, what, and the fields; the record has the rest."""
    head = f"{event.pop('service')}: {event.pop('level')}: {event.pop('event')}"
    error = event.pop("exc_info", None)
    fields = " ".join(f"{name}={value}" for name, value in event.items() if name != "timestamp")
    what = f" ({error[1]})" if isinstance(error, tuple) else ""
    return " ".join(f"{head} {fields}{what}".split())[:_LINE]


class _Seldom(logging.Filter):
    """Lets an event through that was not seen for a while: what fails until it heals is told once, not every time."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        name = str(record.msg.get("event")) if isinstance(record.msg, dict) else str(record.msg)
        if record.created - self._told.get(name, float("-inf")) < _PAUSE:
            return False
        self._told[name] = record.created
        return True


def _named(service: str) -> structlog.types.Processor:
    def name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return name
