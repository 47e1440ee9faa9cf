"""What is kept in memory of one verified credential, so that the warm path computes nothing twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.callers.identity import Identity
from gateway.header import Header
from gateway.vouching.told import Told, UpstreamToken, WantedToken
from jose import assertion
from policy.decision import Decision, StepUp
from policy.request import Facts, Subject


@dataclass(slots=True)
class Decided:
    """A decision, and what it was decided by: it stands only for these very objects, and not before `since`."""

    decision: Decision
    since: float
    facts: Facts
    subject: Subject
    demanded: StepUp | None = None
    """What the route demands of the sign-in beyond policy, and it lacks; the decision has it, unless it denies."""
    scopes: tuple[str, ...] = ()
    """All that the route demands of the access token, where it lacks one."""
    law: object = None
    """Stands for all that the judge decided by at that moment, but for who asked and from where. It is that no longer
    than the judge itself, so that whoever keeps the decision keeps no policy."""
    record: bytes = b""
    """What the decision log says of every request that it decides, once it has been written."""


@dataclass(slots=True)
class Caller:
    """One token, or one cookie session. The identity changes when its token is refreshed; what hung on it goes then."""

    identity: Identity
    spoken_of: assertion.Subject = field(init=False)
    """How the upstream assertion speaks of it: one object, so that its hash is computed once."""
    headers: dict[Told, tuple[Header, ...]] | None = None
    """The fields by which upstreams that asked for such are told who this is (`gateway.vouching`)."""
    tokens: dict[WantedToken, UpstreamToken] | None = None
    """Those that were exchanged for upstreams (`gateway.vouching`)."""
    facts: dict[tuple[str, str, str], Facts] = field(default_factory=dict)
    """By client address, browser and the client's certificate."""
    facts_of: object = None
    """The finder that found them: another one knows other networks and feeds."""
    standing: dict[tuple[str, str, str, str, str, str], Decided] = field(default_factory=dict)
    """By the address of the route, method, path, client address, browser and the client's certificate."""
    only_at: str = ""
    """The one host, with its port, that this token is good at; empty: at every one."""
    cookie: bytes | None = None
    """SHA-256 of the cookie, where this is a cookie session."""
    over_at: float = float("inf")
    """Epoch seconds from which this credential counts for nothing, whatever its token says."""
    ended: bool = False
    """Its cookie session ended; the session itself may live."""
    refresh_again_at: float = 0.0
    """Epoch seconds before which its tokens are not refreshed again, since the identity provider was away."""
    used_at: float = 0.0
    """Epoch seconds of the last request."""

    def __post_init__(self) -> None:
        self.become(self.identity)

    def become(self, identity: Identity) -> None:
        """Its token was refreshed."""
        self.identity = identity
        self.facts.clear()
        self.standing.clear()
        self.headers = self.tokens = None
        self.spoken_of = assertion.Subject(
            sid=identity.sid,
            sub=identity.subject.id,
            org=identity.subject.organisation,
            roles=identity.roles,
            acr=identity.acr,
            auth_time=identity.subject.authenticated_at or 0.0,
            device_id=identity.device_id,
            device_trust=identity.device_trust.name.lower(),
            name=identity.name,
            locale=identity.locale,
            actors=identity.actors,
            scope=identity.scope,
        )
