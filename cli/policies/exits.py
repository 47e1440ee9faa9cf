"""Exit statuses of `munjigi policy …`: those of sysexits.h, and 1 for a policy that is not fit to be published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import typer

from policy.client import ApiProblem, NoToken, PolicyError
from policy.files import WrongFiles

NOT_FIT = 1
"""Lint finds errors, a test fails, a replay or a shadow shows more than was allowed: somebody must look."""
REFUSED = 65
"""The policy or the request has faults; the same will never be taken."""
NOT_THERE = 66
"""There is no such version, decision, file."""
AWAY = 69
"""Nobody answers."""
OURS = 70
"""Something went wrong on the other side."""
AGAIN = 75
"""Somebody changed it meanwhile, an approval is missing, or it takes longer than was waited: try again later."""
NOT_ALLOWED = 77
"""The client proves itself wrongly, lacks a scope, or no rule of the policy lets it in."""

_BY_STATUS = {400: REFUSED, 401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: NOT_THERE, 409: AGAIN, 412: AGAIN, 428: AGAIN}
_BY_CODE = {"MJ-POLICY-038": REFUSED}
"""What is there already is so the next time, too."""


class NotFit(Exception):
    """The policy is not fit to be published; what was printed says why."""


class TooLong(Exception):
    """What was waited for did not come in time."""


def status_of(error: BaseException) -> int | None:
    """The exit status of what ended a command; None: it is none of these."""
    match error:
        case NotFit():
            return NOT_FIT
        case TooLong():
            return AGAIN
        case NoToken():
            return NOT_ALLOWED
        case ApiProblem():
            ours = OURS if error.status >= 500 else REFUSED
            return _BY_CODE.get(error.code) or _BY_STATUS.get(error.status, ours)
        case PolicyError():
            return AWAY
        case WrongFiles():
            return REFUSED
        case FileNotFoundError():
            return NOT_THERE
    return None


@contextmanager
def told(*, as_json: bool) -> Iterator[None]:
    """Tell what ends a command on standard error, and end with its status."""
    try:
        yield
    except Exception as error:
        status = status_of(error)
        if status is None:
            raise
        if as_json:
            typer.echo(msgspec.json.encode({"error": _document(error), "status": status}), err=True)
        else:
            for line in _lines(error):
                typer.echo(f"munjigi: {line}", err=True)
        raise typer.Exit(status) from None


def _document(error: BaseException) -> dict[str, object]:
    if isinstance(error, ApiProblem):
        names = ("code", "title", "detail", "correlation_id", "errors")
        return {"message": str(error), **{name: getattr(error, name) for name in names}}
    if isinstance(error, WrongFiles):
        named = [dict(zip(("file", "line", "message"), fault, strict=True)) for fault in error.faults]
        return {"message": "the files are no policy", "errors": named}
    return {"message": str(error)}


def _lines(error: BaseException) -> Iterator[str]:
    if isinstance(error, WrongFiles):
        for file, line, message in error.faults:
            yield f"{file}:{line}: {message}" if line else f"{file}: {message}"
        return
    if str(error):
        yield str(error)
    if isinstance(error, ApiProblem):
        for fault in error.errors:
            where = f"line {fault.line}: " if fault.line is not None else ""
            yield f"  {where}{fault.rule + ': ' if fault.rule else ''}{fault.message}"
