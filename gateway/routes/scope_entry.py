"""What a zone or a route demands of access tokens (RFC 6749, section 3.3), as it stands in the file of routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from gateway.routes.route_table import ScopeDemand

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")
"""RFC 6749, section 3.3."""


class ScopeEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One that is demanded of requests by some methods alone."""

    scope: str
    methods: list[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]]


def read_scopes(where: str, entries: Sequence[str | ScopeEntry]) -> tuple[ScopeDemand, ...]:
    """What `scopes` means. Raises `ValueError`, naming the entry."""
    found = []
    for entry in entries:
        scope, methods = (entry, ()) if isinstance(entry, str) else (entry.scope, tuple(entry.methods))
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"{where}: scopes: {scope!a} is no scope")
        if not (isinstance(entry, str) or methods):
            raise ValueError(f"{where}: scopes: methods names one at least")
        found.append(ScopeDemand(scope, methods))
    return tuple(found)
