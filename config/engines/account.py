"""The operating system's account that the embedded engines run as."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings, WrongSettings

_ORDINARY = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs an engine. `changes` tells whether that is somebody else than this process."""

    name: str
    uid: int
    gid: int
    changes: bool


def own_name() -> str:
    """The name of the account of this process, as PostgreSQL's peer authentication sees it."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise WrongSettings(
            f"This process runs as user number {os.geteuid()}, which /etc/passwd does not name. The embedded "
            "PostgreSQL knows its clients by their user names: run as a named user, or set MUNJIGI_DATABASE__URL."
        ) from None


def engine_account(settings: Settings, data: Path) -> Account:
    """The account for engines whose data stand in `data`.

    PostgreSQL refuses to run as root. So root's engines run as the account that owns the data already, or else as
    `engines.user`, or else as `postgres` or `nobody`. Anybody else's engines run as that same account.

    Raises `WrongSettings` when there is no such account.
    """
    if os.geteuid() != 0:
        return Account(own_name(), os.geteuid(), os.getegid(), changes=False)
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        owner = 0
    wanted = (settings.engines.user,) if settings.engines.user else _ORDINARY
    for name in wanted:
        try:
            entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, changes=True)
    raise WrongSettings(
        f"MUNJIGI_ENGINES__USER: PostgreSQL does not run as root, and there is no ordinary user named "
        f"{' or '.join(wanted)} on this machine. Name one that exists."
    )
