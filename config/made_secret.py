"""Secrets that the embedded set-up makes for itself: one file each, read by this account alone."""

from __future__ import annotations

import contextlib
import os
import secrets

from config.settings import Settings, WrongSettings


def make_secret(settings: Settings, file: str) -> None:
    """Make a secret (256 bits, mode 0600) unless there is one. Of many at once exactly one makes it."""
    path = settings.secrets / file
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{file}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(secrets.token_urlsafe(32))
        opened.flush()
        os.fsync(opened.fileno())
    with contextlib.suppress(FileExistsError):  # another process was first: its secret is the one
        os.link(draft, path)
    draft.unlink()


def read_secret(settings: Settings, file: str) -> str:
    """The secret. Raises `OSError` where it was never made, `WrongSettings` where others may read it."""
    path = settings.secrets / file
    with path.open() as opened:
        if os.fstat(opened.fileno()).st_mode & 0o077:
            raise WrongSettings(f"{path} is open to other users; set its mode to 0600.")
        return opened.read().strip()


def made_secret(settings: Settings, file: str) -> str:
    """The secret, made if there is none yet."""
    make_secret(settings, file)
    return read_secret(settings, file)
