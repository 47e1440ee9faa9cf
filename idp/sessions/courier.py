"""Carries deliveries to relying parties and to the receivers of shared signals, over HTTP.

Claim under a lease, commit, post, settle: no transaction is open while another machine is waited for. Each recipient
has a lane of its own, and one that does not answer rests: nobody waits for a dead app but its own deliveries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import httpx2
import structlog

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from config.outbound import NotFetched, Outbound
from idp.protocol.pairwise import PairwiseSubjects, sector_of
from idp.sessions import delivery_news, logout_token
from idp.sessions.delivery import Claimed, Delivery, Outcome, judge, refusal_code, wait
from idp.sessions.lanes import Lanes
from idp.sessions.loopback import reachable
from idp.sessions.signals import security_event
from idp.sessions.signals.as_known import as_known_to
from idp.sessions.signals.stream import authorization_context
from jose.jws import sign
from jose.keys import KeyRing

LEASE = timedelta(seconds=30)
"""So long a claimed delivery is nobody else's; longer than a post may take."""
PATIENCE = 10.0
"""Seconds for a whole post."""
TIMEOUTS = httpx2.Timeout(5.0, connect=3.0)
LARGEST_ANSWER = 4096
"""Bytes of an answer that are read; of what it says beyond its status only the code of a refusal is kept."""
LARGEST_PAGE = 65_536
"""Bytes of an answer from where others say; a longer one is none."""
_SENT = ("content-type", "accept", "authorization")
EACH = 4
"""Deliveries of one recipient under way at once, in one process."""
MOST = 128
"""Deliveries under way at once, in one process."""
JTI_SIZE = 16

_log = structlog.get_logger(__name__)


class Deliveries(Protocol):
    """Where deliveries wait."""

    async def claim_logouts(
        self, tx: Transaction, now: datetime, lease: datetime, leaving_out: Collection[str], *, each: int, limit: int
    ) -> list[Claimed]:
        """Logouts that are due, of at most `each` for one client, held until `lease` against everybody else."""

    async def claim_pushes(
        self, tx: Transaction, now: datetime, lease: datetime, leaving_out: Collection[UUID], *, each: int, limit: int
    ) -> list[Claimed]:
        """Security events that are due on streams that are pushed, likewise."""

    async def settle(self, tx: Transaction, claimed: Delivery, outcome: Outcome, problem: str, now: datetime) -> bool:
        """A claimed delivery is done with. False where the lease was lost and somebody else has it."""

    async def put_off(self, tx: Transaction, claimed: Delivery, until: datetime, problem: str) -> bool:
        """A claimed delivery is tried again later. False likewise."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int | None
    said: str
    sendable: bool = True
    """False: it can never be sent; what it is made of, or where it goes, is damaged."""


class Courier:
    """`step` claims what is due and starts its posts; `drain` waits until none is under way."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        database: Database,
        ring: Callable[[], KeyRing],
        pairwise: Callable[[], PairwiseSubjects],
        envelope: Envelope,
        client: httpx2.AsyncClient,
        outbound: Outbound,
        issuer: str,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._deliveries = deliveries
        self._database = database
        self._ring = ring
        self._pairwise = pairwise
        self._envelope = envelope
        self._client = client
        self._outbound = outbound
        self._issuer = issuer
        self._clock = clock
        self._entropy = entropy
        self._clients: Lanes[str] = Lanes(clock)
        self._streams: Lanes[UUID] = Lanes(clock)
        self._posts: set[asyncio.Task[None]] = set()

    async def step(self) -> int:
        """Claim what is due and begin to deliver it. Returns how much that was."""
        room = MOST - len(self._posts)
        if room <= 0:
            return 0
        now = self._clock.now()
        lease = now + LEASE
        clients, streams = self._clients.closed(), self._streams.closed()
        async with self._database.begin() as tx:
            claimed = await self._deliveries.claim_logouts(tx, now, lease, clients, each=EACH, limit=room)
            room -= len(claimed)
            if room > 0:
                claimed += await self._deliveries.claim_pushes(tx, now, lease, streams, each=EACH, limit=room)
        for one in claimed:
            self._enter(one.delivery)
            post = asyncio.create_task(self._carry(one))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)
        return len(claimed)

    async def drain(self) -> None:
        """Wait until no post is under way."""
        while self._posts:
            await asyncio.gather(*self._posts, return_exceptions=True)

    async def _carry(self, claimed: Claimed) -> None:
        delivery = claimed.delivery
        answered = None
        try:
            answer = await self._post(claimed)
            answered = answer.status is not None
            await self._settle(delivery, answer)
        except Exception as error:  # the lease ends, and somebody tries again
            _log.warning("a delivery is held up", delivery=str(delivery.id), error=type(error).__name__)
        finally:
            self._leave(delivery, answered)

    def _enter(self, delivery: Delivery) -> None:
        stream_id, client_id = delivery.recipient.stream_id, delivery.recipient.client_id
        if stream_id is None:
            self._clients.enter(client_id)
        else:
            self._streams.enter(stream_id)

    def _leave(self, delivery: Delivery, answered: bool | None) -> None:
        stream_id, client_id = delivery.recipient.stream_id, delivery.recipient.client_id
        if stream_id is None:
            self._clients.leave(client_id, answered=answered)
        else:
            self._streams.leave(stream_id, answered=answered)

    async def _post(self, claimed: Claimed) -> _Answer:
        if claimed.address is None:
            return _Answer(410, "nothing is registered to be told at")
        try:
            async with asyncio.timeout(PATIENCE):
                if claimed.vouched:
                    return await self._exchange(self._request(claimed, claimed.address))
                return await self._ask(self._post_to(claimed.address, claimed), claimed.address)
        except NotFetched as error:
            return _Answer(None, str(error))
        except (httpx2.HTTPError, OSError, TimeoutError) as error:
            return _Answer(None, type(error).__name__)
        except Exception as error:  # it is as wrong the next time, and must not come back for ever
            return _Answer(None, f"it cannot be sent: {type(error).__name__}", sendable=False)

    async def _exchange(self, request: httpx2.Request) -> _Answer:
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            said = b""
            async for chunk in response.aiter_raw():
                said += chunk
                if len(said) >= LARGEST_ANSWER:
                    break
        finally:
            await response.aclose()
        words = refusal_code(said) if response.is_client_error else ""
        return _Answer(response.status_code, f"{response.status_code} {words}".strip())

    async def _ask(self, request: httpx2.Request, address: str) -> _Answer:
        """Where an organisation, or a client itself, says where: to no place that is not public (CWE-918)."""
        headers = {name: request.headers[name] for name in _SENT if name in request.headers}
        answer = await self._outbound.ask("POST", address, headers=headers, most=LARGEST_PAGE, content=request.read())
        words = refusal_code(answer.body[:LARGEST_ANSWER]) if 400 <= answer.status < 500 else ""
        return _Answer(answer.status, f"{answer.status} {words}".strip())

    def _request(self, claimed: Claimed, address: str) -> httpx2.Request:
        url, host = reachable(address)
        request = self._post_to(url, claimed)
        if host is not None:
            request.headers["Host"] = host
            request.extensions = {**request.extensions, "sni_hostname": host.partition(":")[0]}
        return request

    def _post_to(self, url: str, claimed: Claimed) -> httpx2.Request:
        delivery = claimed.delivery
        if delivery.recipient.stream_id is None:
            return self._client.build_request("POST", url, data={"logout_token": self._logout_token(claimed)})
        told = as_known_to(delivery, claimed.sector, self._pairwise())
        claims = security_event.claims(told, issuer=self._issuer, issued_at=int(delivery.happened_at.timestamp()))
        headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
        if claimed.sealed_authorization is not None:
            context = authorization_context(delivery.recipient.stream_id)
            headers["Authorization"] = self._envelope.open(claimed.sealed_authorization, context).decode("ascii")
        token = sign(self._ring().active, claims, typ=security_event.TYP)
        return self._client.build_request("POST", url, content=token.encode("ascii"), headers=headers)

    def _logout_token(self, claimed: Claimed) -> str:
        """Each try has a token of its own: it lives for two minutes only, and a relying party may keep its `jti`."""
        delivery = claimed.delivery
        subject, sid = delivery.facts["sub"], delivery.facts["sid"]
        if claimed.sector is not None:
            sector, pairwise = sector_of(claimed.sector), self._pairwise()
            subject, sid = pairwise.of(UUID(subject), sector), pairwise.sid_of(sid, sector)
        claims = logout_token.claims(
            issuer=self._issuer,
            audience=delivery.recipient.client_id,
            subject=subject,
            sid=sid,
            jti=self._entropy.token(JTI_SIZE),
            issued_at=int(self._clock.timestamp()),
        )
        return sign(self._ring().active, claims, typ=logout_token.TYP)

    async def _settle(self, delivery: Delivery, answer: _Answer) -> None:
        verdict = judge(answer.status, delivery.attempts) if answer.sendable else "dead"
        now = self._clock.now()
        problem = "" if verdict == "delivered" else answer.said
        async with self._database.begin() as tx:
            if verdict == "again":
                until = now + wait(delivery.attempts, int(self._entropy.digits(3)) / 1000)
                ours = await self._deliveries.put_off(tx, delivery, until, problem)
            else:
                ours = await self._deliveries.settle(tx, delivery, verdict, problem, now)
        if ours:
            delivery_news.posted(delivery, verdict, problem, now)
