"""What crosses between the data path (`gateway.proxy`) and the pipeline that decides.

The data path parses a request head, refuses what is malformed or ambiguous, and hands a `RequestHead` to the pipeline.
The pipeline answers at once with a `Verdict` when everything it needs is in memory, or with an awaitable of one. It may
raise `config.problem.Problem`, which is told as it is; any other exception is answered with 500 and nothing passes.

The data path itself sends `Munjigi-Correlation-Id` both ways, keeps the client's `Host` for the upstream, and lets what
`Forward.add` names replace what the client sent. `Forward.opened` is called once an exchange turns out to live on: its
request's body comes piece by piece, its answer has no length or a large one, it is older than `Limits.live_after`
(0.3 s), or it became a websocket. Whoever registers it there looks whether the session still lives, since it may have
ended in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from gateway.header import Header

if TYPE_CHECKING:
    from gateway.callers.caller import Caller
    from gateway.routes.route_table import Route
    from policy.decision import Effect


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Whose key the client proved when its connection was made. One object for all requests of a connection."""

    thumbprint: str
    """`x5t#S256` (RFC 8705, section 3.1)."""
    name: str = ""
    """The subject's common name, where an authority of ours vouches for it."""


class RequestHead(msgspec.Struct, gc=False):
    """One request as it arrived, after framing was found sound and the path was made canonical.

    Header names are lower-case, values as sent, in order; hop-by-hop headers and those that only the gateway may set
    are already gone. `path` is the canonical path (still percent-encoded, ASCII), `query` the raw query without `?`.
    """

    method: bytes
    host: bytes
    """The one Host, lower-case, without a port."""
    path: bytes
    query: bytes
    headers: list[Header]
    client: str
    """The client's address, as `config.client_address` understood it."""
    scheme: str
    upgrade: bool
    """A websocket handshake (RFC 6455, section 4.2.1) was asked for."""
    correlation_id: str
    notes: dict[str, Any] = msgspec.field(default_factory=dict)
    """What was worked out of these very header fields alone; requests that repeat them on a connection share it."""
    certificate: ClientCertificate | None = None
    route: Route | None = None
    """This and the following: what the pipeline found, for the log and the counts beside the way."""
    caller: Caller | None = None
    effect: Effect | None = None
    """What was decided; None: nothing was."""
    late: bool = False
    """It waited for longer than is worth while before it was read, while there is too much to do."""

    def get(self, name: bytes) -> bytes | None:
        """The only value of a header, or None where it is missing or stands more than once."""
        found = [value for key, value in self.headers if key == name]
        return found[0] if len(found) == 1 else None


class LiveConnection(Protocol):
    """An exchange that outlives its decision: a websocket, an event stream, a long download."""

    def end(self, reason: str) -> None:
        """Close it now: a websocket with 4401 and `reason` (RFC 6455, section 7.4.2), anything else by a cut, or by 503
        where its answer has not begun."""


class BodyRewrite(Protocol):
    """A body that is changed while it streams by; holds back little."""

    def feed(self, data: bytes) -> bytes:
        """What can be passed on after this piece."""

    def finish(self) -> bytes:
        """What is left once the body is complete."""


class Rewrite(Protocol):
    """What an exchange does with its answer."""

    def begins(self, status: int, lines: list[bytes], nonce: bytes) -> BodyRewrite | None:
        """The answer's head is there, and a body will follow: `name: value` a line, names in lower case, to be changed
        in place. `nonce`: of this one answer. None: it passes as it is."""


class Forward(msgspec.Struct, gc=False):
    """Pass the request on."""

    upstream: str
    """The name of a pool."""
    add: Sequence[Header] = ()
    """Headers for the upstream: the assertion, X-Forwarded-*."""
    drop: frozenset[bytes] = frozenset()
    """Request headers that stop here, such as the gateway's own cookie's (`cookie` is rewritten by `cookie`)."""
    cookie: bytes | None = None
    """The Cookie header for the upstream, without the gateway's own; None drops it."""
    opened: Callable[[LiveConnection], None] | None = None
    """Called when the exchange turns out to live on; whoever registers it may end it."""
    closed: Callable[[LiveConnection], None] | None = None
    rewrite: Rewrite | None = None
    body: int | None = None
    """Bytes of the request's body at most; None: as many as everywhere."""
    answered: Callable[[int], None] | None = None
    """Called once with the upstream's status, for the log beside the way."""


@dataclass(slots=True)
class Answer:
    """Answer here and now."""

    status: int
    headers: Sequence[Header] = ()
    body: bytes = b""


@dataclass(slots=True)
class OwnPage:
    """One of the gateway's own pages: the request goes on to its Starlette application, which reads `state`."""

    state: dict[str, object] = field(default_factory=dict)


Verdict = Forward | Answer | OwnPage
Pipeline = Callable[[RequestHead], "Verdict | Awaitable[Verdict]"]
