"""By which name of its certificate a client is known (RFC 8705, section 2.1.2): one of five."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Final

from cryptography import x509

from idp.clients.member_forms import is_host_name, is_text, is_uri


def can_be_read(member: str, name: str) -> bool:
    """Whether what is registered under one of `NAMES` is a name of its kind."""
    return NAMES[member](name)


def _is_distinguished_name(name: str) -> bool:
    try:
        return bool(is_text(name) and x509.Name.from_rfc4514_string(name).rdns)
    except ValueError:
        return False


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_mail_address(text: str) -> bool:
    name, mark, host = text.rpartition("@")
    return bool(mark) and is_text(name) and " " not in name and is_host_name(host)


NAMES: Final[Mapping[str, Callable[[str], bool]]] = {
    "tls_client_auth_subject_dn": _is_distinguished_name,
    "tls_client_auth_san_dns": is_host_name,
    "tls_client_auth_san_uri": is_uri,
    "tls_client_auth_san_ip": _is_ip_address,
    "tls_client_auth_san_email": _is_mail_address,
}
"""The five members, and whether a name is of their kind."""
