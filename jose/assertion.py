"""The upstream assertion: who is behind a request, in the gateway's signature, for one upstream and for a minute.

The gateway signs (purpose `assertion`) and caches; an upstream verifies with public keys it holds in memory. The form
of the claims stands in docs/house.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from jose import jws
from jose.keys import KeyRing, PublicKeys

HEADER = "Munjigi-Assertion"
TYPE = "munjigi-assertion+jwt"
ISSUER = "urn:munjigi:gateway"
LIFETIME = 60.0
"""Seconds that an assertion is valid."""
RENEW_AFTER = 30.0
"""Seconds after which the gateway makes a new one, so that no upstream ever sees one about to expire."""
REFRESH_INTERVAL = 5.0
"""Seconds between two fetches that an unknown `kid` may cause: nobody can make an upstream hammer the store."""


def audience(upstream: str) -> str:
    """The `aud` of one upstream."""
    return f"urn:munjigi:upstream:{upstream}"


class Subject(msgspec.Struct, frozen=True, cache_hash=True):
    """Whom an assertion speaks of; the gateway keeps one per session and makes a new one when a fact changes.

    All empty: a request without a person, on a route that allows it.
    """

    sid: str = ""
    sub: str = ""
    org: str = ""
    roles: tuple[str, ...] = ()
    acr: str = ""
    auth_time: float = 0.0
    """Epoch seconds: when the person last proved who they are."""
    device_id: str = ""
    device_trust: str = "unknown"
    name: str = ""
    locale: str = ""
    actors: tuple[str, ...] = ()
    """Who acts for the person (RFC 8693, section 4.1), the last one first; none: they ask for themselves."""
    scope: tuple[str, ...] = ()
    """What the token that was shown is for (RFC 6749, section 3.3): a service may go by it, of programs above all."""


class Assertion(msgspec.Struct, frozen=True):
    """A verified assertion, as an upstream sees it."""

    subject: Subject
    zone: str
    obligations: tuple[str, ...]
    """What the decision demands of the answer, e.g. masked fields."""
    expires_at: float
    risk: str = ""
    """How odd the request was: `low`, `raised` or `high`; empty where the gateway says nothing of it."""


class AssertionSigner:
    """Signs and caches. Synchronous: it stands on the warm path.

    Every input of the claims is part of the cache's key, so an assertion never speaks of another person or decision.
    """

    def __init__(self, ring: KeyRing, *, capacity: int = 16_384) -> None:
        """`capacity`: assertions kept; beyond it the oldest goes."""
        self._key = ring.active
        self._capacity = capacity
        self._made: dict[tuple[str, Subject, str, tuple[str, ...], str], tuple[float, str]] = {}

    def replace(self, ring: KeyRing) -> None:
        """Sign with the active key of this ring from now on."""
        if ring.active.kid == self._key.kid:
            return
        self._key = ring.active
        self._made.clear()

    def sign(
        self,
        upstream: str,
        subject: Subject,
        *,
        zone: str,
        obligations: tuple[str, ...] = (),
        risk: str = "",
        now: float,
    ) -> str:
        """The assertion of this subject for one upstream at `now` (epoch seconds). `risk`: a word of few, so that what
        was made serves again."""
        cache_key = (upstream, subject, zone, obligations, risk)
        made = self._made.get(cache_key)
        if made is not None and 0 <= now - made[0] < RENEW_AFTER:
            return made[1]
        if made is not None:
            del self._made[cache_key]  # so that insertion order stays the order of age
        elif len(self._made) >= self._capacity:
            del self._made[next(iter(self._made))]
        token = jws.sign(self._key, _claims(upstream, subject, zone, obligations, risk, now), typ=TYPE)
        self._made[cache_key] = (now, token)
        return token


def _claims(
    upstream: str, subject: Subject, zone: str, obligations: tuple[str, ...], risk: str, now: float
) -> dict[str, object]:
    return {
        "iss": ISSUER,
        "aud": audience(upstream),
        "iat": now,
        "exp": now + LIFETIME,
        "sid": subject.sid,
        "sub": subject.sub,
        "org": subject.org,
        "roles": subject.roles,
        "acr": subject.acr,
        "auth_time": subject.auth_time,
        "device": {"id": subject.device_id, "trust": subject.device_trust},
        "zone": zone,
        "obligations": obligations,
        "name": subject.name,
        "locale": subject.locale,
        **({"risk": risk} if risk else {}),
        **({"scope": " ".join(subject.scope)} if subject.scope else {}),
        **_act(subject.actors),
    }


def _act(actors: tuple[str, ...]) -> dict[str, object]:
    claims: dict[str, object] = {}
    for actor in reversed(actors):
        claims = {"act": {"sub": actor, **claims}}
    return claims


def _actors(act: _Act | None) -> Iterator[str]:
    while act is not None:
        yield act.sub
        act = act.act


class _Device(msgspec.Struct, frozen=True):
    id: str
    trust: str


class _Act(msgspec.Struct, frozen=True):
    sub: str
    act: _Act | None = None


class _Claims(msgspec.Struct, frozen=True):
    exp: float
    sid: str
    sub: str
    org: str
    roles: tuple[str, ...]
    acr: str
    device: _Device
    zone: str
    obligations: tuple[str, ...]
    name: str
    locale: str
    auth_time: float = 0.0
    risk: str = ""
    scope: str = ""
    act: _Act | None = None


class AssertionVerifier:
    """Verifies what reaches one upstream; a token seen before costs a look-up."""

    def __init__(
        self,
        upstream: str,
        keys: PublicKeys,
        refresh: Callable[[], Awaitable[PublicKeys]],
        *,
        capacity: int = 16_384,
    ) -> None:
        """`refresh` fetches the public keys of purpose `assertion` anew; it is called for an unknown `kid`, rarely.

        What `refresh` raises reaches whoever verifies: nothing is let in without an answer.
        """
        self._audience = audience(upstream)
        self._keys = keys
        self._refresh = refresh
        self._refreshed_at = float("-inf")
        self._refreshing = asyncio.Lock()
        self._capacity = capacity
        self._seen: dict[str, Assertion] = {}

    async def verify(self, token: str, *, now: float) -> Assertion:
        """The assertion, sound at `now` (epoch seconds). Raises `jws.InvalidToken`."""
        seen = self._seen.get(token)
        if seen is not None:
            if now >= seen.expires_at:
                del self._seen[token]
                raise jws.InvalidToken(jws.Refusal.EXPIRED)
            return seen
        try:
            assertion = self._checked(token, now)
        except jws.InvalidToken as error:
            if error.refusal is not jws.Refusal.UNKNOWN_KEY:
                raise
            await self._fetch_keys(now)
            assertion = self._checked(token, now)
        if len(self._seen) >= self._capacity:
            del self._seen[next(iter(self._seen))]
        self._seen[token] = assertion
        return assertion

    def replace(self, keys: PublicKeys) -> None:
        """Believe these keys and no others from now on."""
        if keys.keys() == self._keys.keys():  # a kid is a thumbprint: the same names are the same keys
            return
        self._keys = keys
        self._seen.clear()

    async def _fetch_keys(self, now: float) -> None:
        async with self._refreshing:
            if now - self._refreshed_at < REFRESH_INTERVAL:
                return
            self._refreshed_at = now
            self.replace(await self._refresh())

    def _checked(self, token: str, now: float) -> Assertion:
        raw = jws.verify(
            token,
            self._keys,
            expected_typ=TYPE,
            expected_issuer=ISSUER,
            expected_audience=self._audience,
            now=now,
        )
        try:
            claims = msgspec.convert(raw, _Claims)
        except msgspec.ValidationError as error:
            raise jws.InvalidToken(jws.Refusal.CLAIMS) from error
        return Assertion(
            Subject(
                sid=claims.sid,
                sub=claims.sub,
                org=claims.org,
                roles=claims.roles,
                acr=claims.acr,
                auth_time=claims.auth_time,
                device_id=claims.device.id,
                device_trust=claims.device.trust,
                name=claims.name,
                locale=claims.locale,
                actors=tuple(_actors(claims.act)),
                scope=tuple(claims.scope.split()),
            ),
            zone=claims.zone,
            obligations=claims.obligations,
            expires_at=claims.exp,
            risk=claims.risk,
        )
