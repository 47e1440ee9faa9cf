"""Which provider is set."""

from __future__ import annotations

from config.settings import Settings
from upstreams.trade.payments.provider import Provider
from upstreams.trade.payments.sandbox_keys import sandbox_keys, sandbox_origin
from upstreams.trade.payments.sandbox_provider import SandboxProvider
from upstreams.trade.payments.toss import TossPayments


def provider_of(settings: Settings) -> Provider:
    """The provider that the settings name. Close it with `aclose`."""
    payments = settings.payments
    if payments.provider == "toss":
        assert payments.toss_secret_key is not None  # the settings were checked
        secret = payments.toss_secret_key.get_secret_value()
        return TossPayments(
            payments.toss_api, payments.toss_client_key, secret, payments.patience, payments.toss_script
        )
    return SandboxProvider(sandbox_origin(settings), sandbox_keys(settings), payments.patience)
