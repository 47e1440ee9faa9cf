"""How a command asks something of the engines."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from config.settings import Settings

Answer = TypeVar("Answer")
_WHERE = "`munjigi up` starts the embedded ones; MUNJIGI_DATABASE__URL and MUNJIGI_VALKEY__URL name others."


def ask_engines(question: Callable[[Settings], Coroutine[Any, Any, Answer]]) -> Answer:
    """Run what needs the engines. Raises `NotNow` when they do not answer."""
    import asyncio

    from cli.checks import NotNow
    from config.settings import load_settings

    settings = load_settings()
    try:
        return asyncio.run(question(settings))
    except ConnectionError as error:
        raise NotNow(f"The engines do not answer ({error}). {_WHERE}") from error
    except FileNotFoundError as error:
        if settings.runtime.joinpath(".s.PGSQL.5432").exists():
            raise
        raise NotNow(f"The engines do not run. {_WHERE}") from error
