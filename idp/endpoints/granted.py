"""What an access token is for, and what it holds: as asked, within what was granted and what is described of APIs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authlib.oauth2.rfc6749 import InvalidScopeError

from idp.endpoints.client_requests import ClientRequest
from idp.grants.grant import Credential, InvalidTargetError, MachineCredential
from idp.grants.token_exchange import TOKEN_EXCHANGE
from idp.protocol import resource
from idp.protocol.access_token import AUDIENCE
from idp.protocol.described import Described, InvalidScope, Party

_NAME_SCOPES: Final = frozenset({"client_credentials", "refresh_token", TOKEN_EXCHANGE})
"""Grants whose token request may name scopes; for the others the person's answer said which."""


@dataclass(frozen=True, slots=True)
class Granted:
    """Of one access token."""

    audiences: tuple[str, ...]
    """RFC 8707."""
    scope: tuple[str, ...]
    not_after: float
    """Epoch seconds that it must not outlive, by what its audiences say; infinite where none says anything."""


def granted(
    asked: ClientRequest,
    credential: Credential | MachineCredential,
    scope: tuple[str, ...],
    described: Described,
    now: float,
) -> Granted:
    """`scope` is what the grant comes to. A scope that is named must be given whole; of one that was granted before, a
    token for less gets what belongs there (RFC 8707, section 2.2). `now` is in epoch seconds.

    Raises Authlib's `InvalidScopeError`, and `InvalidTargetError`.
    """
    named = "scope" in asked.form and asked.form.get("grant_type") in _NAME_SCOPES
    party: Party = "programs" if isinstance(credential, MachineCredential) else "people"
    try:
        audiences = described.known(_audiences(asked, credential, scope if named else (), described))
        if named:
            described.check(scope, audiences, party)
        else:
            scope = described.fitting(scope, audiences, party)
    except resource.InvalidTarget as error:
        raise InvalidTargetError(str(error)) from None
    except InvalidScope as error:
        raise InvalidScopeError(str(error)) from None
    lifetime = described.lifetime(audiences)
    return Granted(audiences, scope, float("inf") if lifetime is None else int(now) + lifetime)


def _audiences(
    asked: ClientRequest, credential: Credential | MachineCredential, scope: tuple[str, ...], described: Described
) -> tuple[str, ...]:
    """Where the access token is to be good (RFC 8707). Raises `InvalidTarget`, `InvalidTargetError`."""
    if isinstance(credential, MachineCredential) and not credential.audiences:
        return described.targets(asked.resources, asked.client.metadata.resources, scope) or (AUDIENCE,)
    if isinstance(credential, Credential) and not credential.audiences:
        return resource.audiences(asked.resources, credential.resources)
    if len(asked.resources) > 1:
        raise InvalidTargetError("one resource at a time is exchanged for")
    return credential.audiences
