"""The grant types that there are, as discovery lists them (RFC 8414, section 2)."""

from __future__ import annotations

from typing import Final

from idp.grants.ciba import CIBA
from idp.grants.device_code import DEVICE_CODE
from idp.grants.token_exchange import TOKEN_EXCHANGE

GRANT_TYPES: Final = ("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE, TOKEN_EXCHANGE, CIBA)
