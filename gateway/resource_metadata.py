"""What each host of the gateway says of itself as a protected resource (RFC 9728): whose tokens it takes."""

from __future__ import annotations

import re

import msgspec

from gateway.exchange import Answer, RequestHead
from idp.protocol import scopes

PATH = b"/.well-known/oauth-protected-resource"

_AUTHORITY = re.compile(rb"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?")


def metadata(authority: str, *, scheme: str, issuer: str) -> Answer:
    """The document (section 2), for whoever asks; `authority` is host and port as browsers name them."""
    document = {
        "resource": f"{scheme}://{authority}",
        "authorization_servers": [issuer],
        "scopes_supported": list(scopes.SCOPES),
        "bearer_methods_supported": ["header"],
    }
    headers = (
        (b"content-type", b"application/json"),
        (b"cache-control", b"public, max-age=300"),
        (b"access-control-allow-origin", b"*"),
        (b"x-content-type-options", b"nosniff"),
    )
    return Answer(200, headers, msgspec.json.encode(document))


def challenge_parameter(head: RequestHead) -> dict[str, str]:
    """`resource_metadata` for a challenge (section 5.1); nothing where the request names no host that may be quoted."""
    host = head.get(b"host")
    if host is None or not _AUTHORITY.fullmatch(host):
        return {}
    return {"resource_metadata": f"{head.scheme}://{host.decode('ascii').lower()}{PATH.decode('ascii')}"}
