"""The engines that all stand on: where they are, and how they are reached."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from config.sections.kinds import Seconds

SentinelAddress = Annotated[str, Field(pattern=r"^[^:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$")]
Role = Literal[
    "owner", "idp", "gateway", "policy", "commerce", "reservation", "worker", "audit", "notifications", "console"
]  # fmt: skip


class DatabaseSettings(BaseModel):
    url: str | None = None
    """`postgresql+asyncpg://munjigi_{role}:…@host/munjigi`; `{role}` stands for the service. Unset: embedded."""
    passwords: dict[Role, SecretStr] = {}
    """One password per role, put into `url`; not needed on the embedded engine (peer authentication)."""
    pool_size: int = Field(default=16, ge=1)
    """Connections that one process keeps open."""
    statement_timeout: Seconds = 10
    """How long one statement may take, waiting for locks included; PostgreSQL ends it, or the client itself a second
    later where PostgreSQL answers no more."""


class ValkeySettings(BaseModel):
    url: str | None = None
    """`unix:///path`, `redis://host:port`, `rediss://…`. Unset: embedded, or where `sentinels` say."""
    password: SecretStr | None = None
    sentinels: tuple[SentinelAddress, ...] = ()
    """`host:port` of each Valkey Sentinel, at best three on three machines; they know which server is the primary, and
    the next one is found after a failover. In place of `url`."""
    service: str = "munjigi"
    """What the sentinels call the primary and its replicas (`sentinel monitor NAME …`)."""
    sentinel_password: SecretStr | None = None
    """The sentinels' own, where they ask for one."""

    @property
    def is_embedded(self) -> bool:
        """Whether this machine runs it."""
        return self.url is None and not self.sentinels

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        if self.url is not None and self.sentinels:
            raise ValueError("url and sentinels say both where Valkey is; set one of them")
        return self


class EngineSettings(BaseModel):
    user: str | None = None
    """When started by root: who the embedded engines run as. Unset: `postgres`, or else `nobody`."""
    programs: Path = Path("/var/cache/munjigi")
    """When started by root from a folder that this user may not enter: where their programs are copied to."""
