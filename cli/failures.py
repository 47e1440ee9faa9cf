"""What ends a command: its exit status (sysexits.h), and the words for the person at the terminal."""

from __future__ import annotations

import sys


class ChildFailed(Exception):
    """A child could not be brought up; the message holds its last words, `status` its exit status."""

    def __init__(self, message: str, status: int = 70) -> None:
        super().__init__(message)
        self.status = status


def first_cause(error: BaseException) -> BaseException:
    """The first error in a group, and in the groups in it: the others mostly follow from it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def exit_status(error: BaseException) -> tuple[int, str]:
    """The exit status (sysexits.h) and the words for an error that ended a command."""
    from cli.checks import NotNow
    from config.engines.engine import EngineFailed
    from config.serving import CannotListen
    from config.settings import WrongSettings
    from idp.clients.invalid import InvalidRegistration
    from idp.every_client import NotDone
    from idp.importing.reading import Unreadable

    match cause := first_cause(error):
        case WrongSettings():
            return 78, str(cause)
        case CannotListen() | NotNow():
            return 75, str(cause)
        case ChildFailed():
            return cause.status if cause.status in range(64, 79) else 70, str(cause)
        case InvalidRegistration():
            return 65, f"{cause.error}: {cause.description}"
        case NotDone() | Unreadable():
            return 65, str(cause)
        case EngineFailed():
            return 69, str(cause)
        case OSError():
            return 74, str(cause)
        case _:
            return 70, f"{type(cause).__name__}: {cause}"


def complain(error: BaseException) -> int:
    """Tell the person at the terminal what ended the command; gives the exit status."""
    status, words = exit_status(error)
    sys.stderr.write(f"munjigi: {words}\n")
    return status
