"""What settings are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Seconds = Annotated[float, Field(gt=0)]
Listen = Annotated[str, Field(pattern=r"^(unix:/.+|.+:\d{1,5})$")]
"""`host:port` or `unix:/path`."""


def port_of(listen: str, otherwise: int) -> int:
    """The port of an address to listen on; a unix socket has none."""
    return otherwise if listen.startswith("unix:") else int(listen.rpartition(":")[2])
