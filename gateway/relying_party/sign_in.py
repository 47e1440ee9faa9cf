"""Leading somebody to the identity provider, and taking them in when they come back (RFC 6749, RFC 7636, RFC 9207)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

import structlog

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.envelope import Envelope, EnvelopeError
from config.problem import Problem
from gateway.callers.identity import Identity, UnusableToken
from gateway.callers.token_check import TokenCheck
from gateway.inbound.browser import browser_of
from gateway.relying_party.beginnings import Beginnings
from gateway.relying_party.cookie_session import Contents, CookieSession, seal, unseal
from gateway.relying_party.id_token import StepUpNotMet, verify_id_token
from gateway.relying_party.pending_sign_in import PendingSignIn
from gateway.relying_party.problems import (
    ANOTHER_PERSON,
    PROVIDER_AWAY,
    SIGN_IN_EXPIRED,
    SIGN_IN_REFUSED,
    SIGN_IN_UNSOUND,
    STEP_UP_NOT_MET,
)
from gateway.relying_party.provider import GrantRefused, Provider, ProviderUnreachable, Tokens
from gateway.relying_party.return_path import return_path
from jose.jws import InvalidToken, Refusal

_log = structlog.get_logger(__name__)

SIGN_IN_LIFETIME = timedelta(minutes=10)
SCOPE = "openid profile"
CALLBACK = "/.munjigi/callback"


class SignInStorage(Protocol):
    """What remembers sign-ins under way."""

    async def remember(self, tx: Transaction, pending: PendingSignIn) -> None:
        """Keep one that begins."""

    async def consume(self, tx: Transaction, state_sha256: bytes, *, now: datetime) -> PendingSignIn | None:
        """Take one; None the second time."""


class CookieSessionStorage(Protocol):
    """What keeps the sessions that come of it."""

    async def begin(self, tx: Transaction, session: CookieSession) -> None:
        """Keep a new one."""

    async def find(self, tx: Transaction, cookie_sha256: bytes) -> CookieSession | None:
        """Read one, ended or not."""

    async def end(self, tx: Transaction, cookie_sha256: bytes, *, reason: str, now: datetime) -> bool:
        """End one that is replaced."""


@dataclass(frozen=True, slots=True)
class Led:
    """Where the browser goes now, the state that it comes back with, and the secret that its cookie holds."""

    url: str
    state: str
    browser_secret: str
    begun: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The secret of the new cookie, and where the browser goes back to."""

    cookie: str
    sid: str
    return_to: str
    another_person: bool
    """Somebody else's session was this browser's before."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where somebody came back from the identity provider."""

    address: str
    browser: str


class SignInFlow:
    """Begins and finishes sign-ins."""

    def __init__(
        self,
        *,
        provider: Provider,
        tokens: TokenCheck,
        beginnings: Beginnings,
        database: Database,
        sign_ins: SignInStorage,
        cookie_sessions: CookieSessionStorage,
        envelope: Envelope,
        clock: Clock,
        entropy: Entropy,
        scheme: str,
        lifetime: timedelta,
        on_replaced: Callable[[bytes, bytes, Identity], None],
        wants_email: Callable[[], bool],
    ) -> None:
        """`lifetime`: how long a cookie session lasts at most. `on_replaced` hears of the cookie that ended, the one
        that took its place, and whom that one stands for. `wants_email`: some upstream is told the person's address."""
        self._provider = provider
        self._tokens = tokens
        self._beginnings = beginnings
        self._database = database
        self._sign_ins = sign_ins
        self._cookie_sessions = cookie_sessions
        self._envelope = envelope
        self._clock = clock
        self._entropy = entropy
        self._scheme = scheme
        self._lifetime = lifetime
        self._on_replaced = on_replaced
        self._wants_email = wants_email

    async def begin(
        self,
        *,
        authority: str,
        address: str,
        return_to: str | None,
        acr: str | None = None,
        max_age: int | None = None,
        locale: str | None = None,
        person: str | None = None,
    ) -> Led:
        """Start one; `person` is the `sub` that alone may finish it. Raises `Problem`."""
        await self._beginnings.count(address)
        try:
            endpoint = (await self._provider.metadata()).authorization_endpoint
        except ProviderUnreachable as error:
            raise Problem(PROVIDER_AWAY, private=str(error)) from error
        if not await self._provider.is_there():  # a browser that is led to nobody shows a page of its own
            raise Problem(PROVIDER_AWAY, private="it does not answer")
        browser_secret, state, nonce, verifier = (self._entropy.token() for _ in range(4))
        state_sha256 = _sha256(state)
        now = self._clock.now()
        async with self._database.begin() as tx:
            await self._sign_ins.remember(
                tx,
                PendingSignIn(
                    state_sha256=state_sha256,
                    browser_sha256=_sha256(browser_secret),
                    authority=authority,
                    nonce_sha256=_sha256(nonce),
                    verifier_sealed=self._envelope.seal(verifier.encode(), _verifier_context(state_sha256)),
                    return_to=return_path(return_to),
                    acr=acr,
                    max_age=max_age,
                    expires_at=now + SIGN_IN_LIFETIME,
                    person=person,
                ),
            )
        parameters = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": self._redirect_uri(authority),
            "scope": f"{SCOPE} email" if self._wants_email() else SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **({"acr_values": acr} if acr else {}),
            **({"max_age": str(max_age)} if max_age is not None else {}),
            **({"ui_locales": locale} if locale else {}),
        }
        joint = "&" if "?" in endpoint else "?"
        return Led(f"{endpoint}{joint}{urlencode(parameters)}", state, browser_secret, now)

    async def finish(
        self,
        *,
        parameters: Mapping[str, str],
        authority: str,
        browser_secret: str | None,
        replaced: bytes | None,
        address: str,
        user_agent: str = "",
    ) -> SignedIn:
        """Take somebody in. `replaced` is the digest of the cookie that the browser still has. Raises `Problem`."""
        pending = await self._consume(parameters.get("state", ""), authority, browser_secret)
        if parameters.get("iss") != self._provider.issuer:  # RFC 9207, section 2.4: before anything else of the answer
            raise Problem(SIGN_IN_UNSOUND, private="iss of the authorization response")
        if "error" in parameters:
            raise Problem(SIGN_IN_REFUSED, private=f"authorization endpoint: {parameters['error'][:100]}")
        arrival = Arrival(address, browser_of(user_agent))
        contents = await self._redeem(parameters.get("code", ""), pending, arrival)
        identity = contents.identity()
        if pending.person is not None and identity.subject.id != pending.person:
            with contextlib.suppress(ProviderUnreachable):  # nobody holds it, and it is over with its session
                await self._provider.revoke(contents.refresh_token)
            raise Problem(ANOTHER_PERSON, private=f"sub {identity.subject.id} instead of {pending.person}")
        cookie = self._entropy.token()
        now = self._clock.now()
        former = None
        async with self._database.begin() as tx:
            if replaced is not None:
                former = await self._cookie_sessions.find(tx, replaced)
                await self._cookie_sessions.end(tx, replaced, reason="replaced", now=now)
            await self._cookie_sessions.begin(
                tx,
                CookieSession(
                    cookie_sha256=_sha256(cookie),
                    sid=identity.sid,
                    contents_sealed=seal(contents, self._envelope, _sha256(cookie)),
                    access_expires_at=datetime.fromtimestamp(identity.expires_at, UTC),
                    begun_at=now,
                    expires_at=now + self._lifetime,
                ),
            )
        if replaced is not None:
            self._on_replaced(replaced, _sha256(cookie), identity)
        _log.info("signed_in", sid=identity.sid, sub=identity.subject.id)
        another = former is not None and self._person(former) != identity.subject.id
        return SignedIn(cookie, identity.sid, pending.return_to, another)

    def _person(self, session: CookieSession) -> str | None:
        """Whose it was; None where that can no longer be read."""
        with contextlib.suppress(EnvelopeError, UnusableToken):
            return unseal(session.contents_sealed, self._envelope, session.cookie_sha256).identity().subject.id
        return None

    async def _consume(self, state: str, authority: str, browser_secret: str | None) -> PendingSignIn:
        async with self._database.begin() as tx:
            pending = await self._sign_ins.consume(tx, _sha256(state), now=self._clock.now())
        if pending is None:
            raise Problem(SIGN_IN_EXPIRED, private="no such state")
        if browser_secret is None or not hmac.compare_digest(_sha256(browser_secret), pending.browser_sha256):
            raise Problem(SIGN_IN_EXPIRED, private="state of another browser")
        if authority != pending.authority:
            raise Problem(SIGN_IN_EXPIRED, private="state of another host")
        return pending

    async def _redeem(self, code: str, pending: PendingSignIn, arrival: Arrival) -> Contents:
        verifier = self._envelope.open(pending.verifier_sealed, _verifier_context(pending.state_sha256)).decode()
        try:
            tokens = await self._provider.grant(
                grant_type="authorization_code",
                code=code,
                redirect_uri=self._redirect_uri(pending.authority),
                code_verifier=verifier,
            )
            return await self._verified(tokens, pending, arrival)
        except ProviderUnreachable as error:
            raise Problem(PROVIDER_AWAY, private=str(error)) from error
        except GrantRefused as error:
            raise Problem(SIGN_IN_EXPIRED, private=f"token endpoint: {error.error}") from error
        except InvalidToken as error:
            raise Problem(SIGN_IN_UNSOUND, private=f"token: {error.refusal}") from error
        except StepUpNotMet as error:
            raise Problem(STEP_UP_NOT_MET, private=str(error)) from error

    async def _verified(self, tokens: Tokens, pending: PendingSignIn, arrival: Arrival) -> Contents:
        try:
            return self._check(tokens, pending, arrival)
        except InvalidToken as error:
            if error.refusal is not Refusal.UNKNOWN_KEY or not await self._provider.fetch(at_once=True):
                raise
        return self._check(tokens, pending, arrival)

    def _check(self, tokens: Tokens, pending: PendingSignIn, arrival: Arrival) -> Contents:
        now = self._clock.timestamp()
        person = verify_id_token(
            tokens.id_token,
            self._provider.keys,
            expected_issuer=self._provider.issuer,
            expected_client=self._provider.client_id,
            expected_nonce_sha256=pending.nonce_sha256,
            expected_acr=pending.acr,
            max_age=pending.max_age,
            now=now,
        )
        claims = self._tokens.claims(tokens.access_token, now)
        if claims.get("sub") != person.sub or claims.get("sid") != person.sid:
            raise InvalidToken(Refusal.CLAIMS)
        return Contents(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            id_token=tokens.id_token,
            claims=claims,
            name=person.name,
            locale=person.locale,
            session_address=arrival.address,
            session_browser=arrival.browser,
            email=person.email if person.email_verified else "",
        )

    def _redirect_uri(self, authority: str) -> str:
        return f"{self._scheme}://{authority}{CALLBACK}"


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _challenge(verifier: str) -> str:
    """RFC 7636, section 4.2."""
    return base64.urlsafe_b64encode(_sha256(verifier)).rstrip(b"=").decode()


def _verifier_context(state_sha256: bytes) -> str:
    return f"gateway.sign_in:{state_sha256.hex()}"
