"""What the checks of an authorization request read of a client: its own room is a sibling, so it is asked by shape."""

from __future__ import annotations

from typing import Protocol

from idp.protocol import code_protection, fapi2
from jose.keys import Algorithm


class RegisteredMetadata(fapi2.Metadata, code_protection.Metadata, Protocol):
    """What it registered beyond what every request needs."""

    @property
    def default_max_age(self) -> int | None: ...
    @property
    def default_acr_values(self) -> tuple[str, ...]: ...
    @property
    def require_pushed_authorization_requests(self) -> bool: ...
    @property
    def require_signed_request_object(self) -> bool: ...
    @property
    def authorization_signed_response_alg(self) -> Algorithm: ...
    @property
    def resources(self) -> tuple[str, ...]: ...


class RegisteredClient(Protocol):
    """The client."""

    @property
    def client_id(self) -> str: ...
    @property
    def auth_method(self) -> str: ...
    @property
    def redirect_uris(self) -> tuple[str, ...]: ...
    @property
    def grant_types(self) -> tuple[str, ...]: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def metadata(self) -> RegisteredMetadata: ...
