"""The gateway's secret at the identity provider: from the settings, or the one that the embedded set-up made.

The gateway proves itself with it (RFC 6749 section 2.3.1), and whoever registers the gateway's client stores its hash.
"""

from __future__ import annotations

import contextlib
import os
import secrets

from pydantic import SecretStr

from config.settings import Settings, WrongSettings

FILE = "gateway-client.secret"


def create_client_secret(settings: Settings) -> SecretStr:
    """Make the secret (256 bits, mode 0600) unless there is one, and give it. Of many at once exactly one makes it."""
    path = settings.secrets / FILE
    if settings.gateway.client_secret is None and not path.exists():
        draft = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its secret is the one
            os.link(draft, path)
        draft.unlink()
    return load_client_secret(settings)


def load_client_secret(settings: Settings) -> SecretStr:
    """The secret. Raises `WrongSettings` when it is neither set nor made, or when others may read its file."""
    if settings.gateway.client_secret is not None:
        return settings.gateway.client_secret
    path = settings.secrets / FILE
    try:
        with path.open() as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise WrongSettings(f"{path} is open to other users; set its mode to 0600.")
            return SecretStr(file.read().strip())
    except OSError as error:
        raise WrongSettings(
            f"MUNJIGI_GATEWAY__CLIENT_SECRET is not set, and {path} cannot be read ({error.strerror}). "
            "`munjigi up` makes that file; elsewhere, set the secret."
        ) from error
