"""What must be true before anything is started: each check raises an error that names the setting to change."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Collection
from pathlib import Path

from config.serving import CannotListen, listener
from config.settings import Settings, WrongSettings

NEEDED_SPACE = 256 * 1024 * 1024
"""Bytes that must be free: a new PostgreSQL takes 40 MB, its log of changes grows to some 200 MB under load."""


class NotNow(Exception):
    """It cannot be started now, though the settings are right; the message says what stands in the way."""


def check_addresses(settings: Settings, names: Collection[str] = ("idp", "gateway", "inbox", "payments")) -> None:
    """That nobody listens on the addresses of some services. Raises `CannotListen`."""
    addresses = [
        ("idp", "IDP__LISTEN", settings.idp.listen),
        ("gateway", "GATEWAY__LISTEN", settings.gateway.listen),
    ]
    if settings.mail.server is None:
        addresses += [
            ("inbox", "INBOX__LISTEN", settings.inbox.listen),
            ("inbox", "INBOX__SMTP", settings.inbox.smtp),
        ]
    if settings.payments.provider == "sandbox":
        addresses.append(("payments", "PAYMENTS__LISTEN", settings.payments.listen))
    for name, setting, address in addresses:
        if name not in names:
            continue
        try:
            listener(address).close()
        except CannotListen as error:
            raise CannotListen(
                f"MUNJIGI_{setting}: {error}. Free this address, or choose another one with this setting."
            ) from error


def check_space(settings: Settings, free: int | None = None) -> None:
    """That the disk under `var/` has room. Raises `NotNow`."""
    folder = settings.var.absolute()
    available = shutil.disk_usage(folder).free if free is None else free
    if available < NEEDED_SPACE:
        raise NotNow(
            f"MUNJIGI_VAR: the disk under {folder} has {available // 2**20} MB left, and at least "
            f"{NEEDED_SPACE // 2**20} MB are needed. Make room, or point MUNJIGI_VAR to another disk."
        )


def acquire_only_one(settings: Settings, *, patience: float = 10.0) -> int:
    """The descriptor of the lock of this `var/`; the processes that `up` starts share it, so it is free when all ended.

    Of a supervisor that was killed, the last children may still be draining: waits up to `patience` seconds for them.
    Raises `NotNow` when another `munjigi up` runs here.
    """
    path = settings.var.absolute() / "up.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode().strip()
            if _runs(holder) or time.monotonic() > deadline:
                os.close(descriptor)
                raise NotNow(
                    f"MUNJIGI_VAR: another `munjigi up` (process {holder or 'unknown'}) runs on {path.parent} already. "
                    "Stop it, or point MUNJIGI_VAR to another folder."
                ) from None
            time.sleep(0.02)
        else:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            return descriptor


def _runs(process: str) -> bool:
    return process.isdigit() and Path("/proc", process).exists()


def check_writable(settings: Settings) -> None:
    """That files can be made under `var/`. Raises `WrongSettings`."""
    probe = settings.var.absolute() / f".probe-{os.getpid()}"
    try:
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        raise WrongSettings(
            f"MUNJIGI_VAR: no file can be made in {probe.parent} ({error.strerror}). It must be a folder that "
            "this user can write."
        ) from error
