"""The folders of the embedded set-up: who may enter them, and the lock that each engine's processes hold together."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import BinaryIO

from config.engines.account import Account
from config.settings import Settings, WrongSettings

RECORD_LIMIT = 16 * 1024 * 1024


def make_var(settings: Settings) -> None:
    """Make `var/` and the folders in it that this process's account alone may enter.

    Raises `WrongSettings`, naming the setting, when that cannot be done.
    """
    var = settings.var.absolute()
    try:
        var.mkdir(parents=True, exist_ok=True, mode=0o755)
        for folder in (settings.runtime, settings.secrets, var / "log"):
            folder.mkdir(exist_ok=True, mode=0o700)
            if folder.stat().st_uid != os.geteuid():
                raise WrongSettings(
                    f"MUNJIGI_VAR: {folder} belongs to another user; run as that user, or point MUNJIGI_VAR elsewhere."
                )
            if folder.is_symlink():
                raise WrongSettings(f"MUNJIGI_VAR: {folder} is a symbolic link; it must be a folder.")
            folder.chmod(0o700)
    except OSError as error:
        raise WrongSettings(
            f"MUNJIGI_VAR: {var} cannot be used ({error.strerror}: {error.filename}). It must be a folder that this "
            "user can read and write."
        ) from error


def make_engine_folder(folder: Path, account: Account) -> None:
    """Make one engine's folder (0700), owned by the account that runs the engine. Its parents are left as they are."""
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        if account.changes:
            os.chown(folder, account.uid, account.gid)
        elif folder.stat().st_uid != account.uid:
            raise PermissionError(1, "it belongs to another user", str(folder))
    except OSError as error:
        raise WrongSettings(
            f"MUNJIGI_VAR: {folder} cannot be used ({error.strerror}). Run as the user who made it, or point "
            "MUNJIGI_VAR elsewhere."
        ) from error


def acquire_engine_lock(folder: Path, name: str, *, patience: float) -> int:
    """The file descriptor of a lock that an engine's processes inherit: it is free when the last of them has ended.

    A server whose parent was killed may still be writing its last pages. Waits up to `patience` seconds for it.
    Once held, every pid file and socket in the folder is a leftover and may go.
    Raises `WrongSettings` if it stays taken.
    """
    descriptor = os.open(folder / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise WrongSettings(
                    f"MUNJIGI_VAR: {name} is still running on {folder}. Stop the `munjigi up` that started it, or "
                    "point MUNJIGI_VAR elsewhere."
                ) from None
            time.sleep(0.01)
        else:
            return descriptor


def put_link(link: Path, target: Path) -> None:
    """Let `link` lead to `target`, whatever stood there before."""
    fresh = link.with_name(f"{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def open_record(path: Path) -> BinaryIO:
    """A process's record, opened for appending; one that has grown past 16 MiB is set aside as `….1` first."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > RECORD_LIMIT:
            path.replace(path.with_name(f"{path.name}.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab")
