"""The gateway's secret at the identity provider: from the settings, or the one that the embedded set-up made.

The gateway proves itself with it (RFC 6749 section 2.3.1), and whoever registers the gateway's client stores its hash.
"""

from __future__ import annotations

from pydantic import SecretStr

from config.made_secret import make_secret, read_secret
from config.settings import Settings, WrongSettings

FILE = "gateway-client.secret"


def create_client_secret(settings: Settings) -> SecretStr:
    """Make the secret (256 bits, mode 0600) unless there is one, and give it. Of many at once exactly one makes it."""
    if settings.gateway.client_secret is None:
        make_secret(settings, FILE)
    return load_client_secret(settings)


def load_client_secret(settings: Settings) -> SecretStr:
    """The secret. Raises `WrongSettings` when it is neither set nor made, or when others may read its file."""
    if settings.gateway.client_secret is not None:
        return settings.gateway.client_secret
    try:
        return SecretStr(read_secret(settings, FILE))
    except OSError as error:
        raise WrongSettings(
            f"MUNJIGI_GATEWAY__CLIENT_SECRET is not set, and {settings.secrets / FILE} cannot be read "
            f"({error.strerror}). `munjigi up` makes that file; elsewhere, set the secret."
        ) from error
