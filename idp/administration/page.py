"""A page of a list: where it begins, what is shown of what was read, and where the next one begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from config.problem import Problem
from idp.administration import problems

Cursor = TypeVar("Cursor")
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What part of a list is asked for."""

    after: str = ""
    """`next` of the page before; empty: it is the first one."""
    limit: int

    def cursor(self, decode: Callable[[str], Cursor]) -> Cursor | None:
        """Behind what it begins; None: at the list's beginning. Raises `NOT_UNDERSTOOD` for what no page told."""
        if not self.after:
            return None
        try:
            return decode(self.after)
        except ValueError as error:
            raise Problem(problems.NOT_UNDERSTOOD, "after: the `next` of the page before is expected") from error

    def cut(self, found: Sequence[Entry], cursor: Callable[[Entry], str]) -> tuple[Sequence[Entry], str | None]:
        """What is shown of `limit + 1` that were read, and `next`; None: there is no more."""
        shown = found[: self.limit]
        return shown, cursor(shown[-1]) if len(found) > self.limit else None
