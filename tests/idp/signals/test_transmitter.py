"""The transmitter of shared signals as a receiver meets it: streams, pushes (RFC 8935), polls (RFC 8936)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest
from joserfc import jws
from sqlalchemy import text

from idp.clients.client import Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.directory.account import ClientHome
from idp.sessions.courier import TIMEOUTS
from idp.sessions.one_session import Began
from idp.sessions.signals.as_known import as_known_to
from idp.sessions.signals.security_event import SESSION_REVOKED, VERIFICATION
from idp.sessions.signals.stream import MOST_STREAMS, POLL, PUSH
from idp.storage import clients, deliveries, directory
from tests.clock import FakeClock
from tests.idp.people import HOUSE, add_person, beginning
from tests.idp.provider import SECRET, Provider
from tests.idp.sessions.receiver import receiving, saying


@dataclass
class Subscriber:
    """A client that may receive shared signals."""

    provider: Provider
    client: Client
    clock: FakeClock
    secret: str = field(default=SECRET, repr=False)

    async def ask(self, method: str, path: str, body: object | None = None) -> httpx2.Response:
        auth = httpx2.BasicAuth(self.client.client_id, self.secret)
        async with self.provider.client() as http:
            return await http.request(method, f"/signals/{path}", json=body, auth=auth)

    async def stream(self, **members: object) -> dict[str, Any]:
        answer = await self.ask("POST", "streams", {"events_requested": [SESSION_REVOKED], **members})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def poll(self, stream_id: str, **members: object) -> dict[str, Any]:
        answer = await self.ask("POST", f"poll/{stream_id}", {"returnImmediately": True, **members})
        assert answer.status_code == 200, answer.text
        polled: dict[str, Any] = answer.json()
        return polled

    def claims(self, token: str) -> dict[str, Any]:
        """A security event token has no `exp`, so nothing of ours verifies one."""
        key = self.provider.parts.keys.ring().active.public.key
        found = jws.deserialize_compact(token, key, algorithms=["ES256"])
        assert found.headers()["typ"] == "secevent+jwt"
        return msgspec.json.decode(found.payload, type=dict[str, Any])

    async def end_one(self) -> tuple[UUID, str]:
        """Somebody's session ends."""
        parts = self.provider.parts
        async with parts.database.begin() as tx:
            user = (await add_person(tx, f"person-{uuid4().hex[:8]}")).id
            begun = await parts.one_session.begin(tx, beginning(user, self.clock))
            assert isinstance(begun, Began)
            await parts.one_session.end(tx, begun.session.sid, "administrator", correlation_id="c-1")
        return user, begun.session.sid

    async def carry(self) -> int:
        async with httpx2.AsyncClient(timeout=TIMEOUTS, trust_env=False) as http:
            courier = self.provider.courier(http)
            begun = await courier.step()
            await courier.drain()
        return begun

    async def deliveries(self) -> list[Any]:
        async with self.provider.parts.database.connect() as tx:
            return list((await tx.execute(text("SELECT * FROM idp.delivery ORDER BY happened_at"))).all())


@pytest.fixture
async def subscriber(provider: Provider, clock: FakeClock) -> Subscriber:
    client = Client(
        client_id="siem",
        name={"en": "the watchtower"},
        auth_method="client_secret_basic",
        secret_hash=hash_secret(SECRET),
        redirect_uris=("https://siem.example/callback",),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code",),
        scopes=("openid", "ssf.manage"),
    )
    async with provider.parts.database.begin() as tx:
        await add_person(tx, "somebody")  # whose organisation is the client's
        await clients.put(tx, client, clock.now())
        await directory.put_client_home(tx, client.client_id, ClientHome(organisation_id=HOUSE))
    return Subscriber(provider, client, clock)


async def test_its_metadata(provider: Provider) -> None:
    async with provider.client() as http:
        said = (await http.get("/.well-known/ssf-configuration")).json()
        assert said["issuer"] == provider.parts.issuer
        assert said["delivery_methods_supported"] == [PUSH, POLL]
        assert said["spec_version"] == "1_0"
        assert (await http.get(said["jwks_uri"])).status_code == 200
        for name, path in said.items():
            if name.endswith("_endpoint"):
                assert path.startswith(f"{provider.parts.issuer}/signals/")
                assert (await http.post(path, json={})).status_code == 401


async def test_a_stream_from_its_creation_to_its_end(subscriber: Subscriber) -> None:
    made = await subscriber.stream(description="first")
    stream_id = made["stream_id"]
    assert made["aud"] == "siem"
    assert made["events_delivered"] == [SESSION_REVOKED]
    assert made["delivery"]["method"] == POLL
    assert (await subscriber.ask("GET", f"streams?stream_id={stream_id}")).json() == made
    assert (await subscriber.ask("GET", "streams")).json() == [made]
    changed = await subscriber.ask("PATCH", "streams", {"stream_id": stream_id, "description": "second"})
    assert changed.json() == {**made, "description": "second"}
    replaced = await subscriber.ask("PUT", "streams", {"stream_id": stream_id, "iss": made["iss"]})
    assert replaced.json()["events_requested"] == []
    assert "description" not in replaced.json()
    assert (await subscriber.ask("DELETE", f"streams?stream_id={stream_id}")).status_code == 204
    for method, path, body in (
        ("GET", f"streams?stream_id={stream_id}", None),
        ("GET", f"status?stream_id={stream_id}", None),
        ("DELETE", f"streams?stream_id={stream_id}", None),
        ("PATCH", "streams", {"stream_id": stream_id}),
        ("POST", "status", {"stream_id": stream_id, "status": "enabled"}),
        ("POST", "verify", {"stream_id": stream_id}),
        ("POST", f"poll/{stream_id}", {}),
        ("POST", "subjects/add", {"stream_id": stream_id, "subject": {"format": "iss_sub"}}),
    ):
        answer = await subscriber.ask(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "MJ-IDP-202"), path


async def test_an_end_is_polled_until_it_is_acknowledged(subscriber: Subscriber) -> None:
    stream_id = (await subscriber.stream())["stream_id"]
    user, sid = await subscriber.end_one()
    assert await subscriber.carry() == 0
    first = await subscriber.poll(stream_id)
    ((jti, token),) = first["sets"].items()
    assert first["moreAvailable"] is False
    claims = subscriber.claims(token)
    assert claims["jti"] == jti
    assert claims["sub_id"]["session"] == {"format": "opaque", "id": sid}
    assert claims["sub_id"]["user"]["sub"] == str(user)
    assert claims["txn"] == "c-1"
    assert subscriber.claims((await subscriber.poll(stream_id))["sets"][jti]) == claims
    assert (await subscriber.poll(stream_id, ack=[jti, "nonsense", uuid4().hex]))["sets"] == {}
    assert [row.outcome for row in await subscriber.deliveries()] == ["delivered"]


async def test_polls_are_bounded_and_errors_are_dead_letters(subscriber: Subscriber) -> None:
    stream_id = (await subscriber.stream())["stream_id"]
    for _ in range(3):
        await subscriber.end_one()
    assert await subscriber.poll(stream_id, maxEvents=0) == {"sets": {}, "moreAvailable": True}
    some = await subscriber.poll(stream_id, maxEvents=2)
    assert (len(some["sets"]), some["moreAvailable"]) == (2, True)
    errors = {jti: {"err": "invalid_key", "description": "no\u0000"} for jti in some["sets"]}
    rest = await subscriber.poll(stream_id, setErrs=errors)
    assert (len(rest["sets"]), rest["moreAvailable"]) == (1, False)
    assert sorted(str(row.outcome) for row in await subscriber.deliveries()) == ["None", "dead", "dead"]


async def test_an_end_is_pushed_with_the_header_that_the_receiver_wants(subscriber: Subscriber) -> None:
    async with receiving(saying(202)) as receiver:
        parts = subscriber.provider.parts
        here = replace(subscriber.client, redirect_uris=(f"http://127.0.0.1:{receiver.port}/callback",))
        async with parts.database.begin() as tx:
            await clients.put(tx, here, subscriber.clock.now())
        parts.clients.on_reset()
        delivery = {"method": PUSH, "endpoint_url": receiver.address, "authorization_header": "Bearer ours"}
        made = await subscriber.stream(delivery=delivery)
        assert made["delivery"] == {"method": PUSH, "endpoint_url": receiver.address}
        await subscriber.end_one()
        assert await subscriber.carry() == 1
        assert receiver.headers[0]["authorization"] == "Bearer ours"
        assert receiver.headers[0]["content-type"] == "application/secevent+jwt"
        assert SESSION_REVOKED in subscriber.claims(receiver.bodies[0].decode())["events"]
        assert (await subscriber.ask("POST", f"poll/{made['stream_id']}", {})).status_code == 404
        async with parts.database.connect() as tx:
            sealed = (await tx.execute(text("SELECT sealed_authorization FROM idp.signal_stream"))).scalar_one()
            assert b"ours" not in sealed
        # an update that says nothing of delivery leaves the header
        await subscriber.ask("PATCH", "streams", {"stream_id": made["stream_id"], "description": "x"})
        await subscriber.end_one()
        await subscriber.carry()
        assert receiver.headers[1]["authorization"] == "Bearer ours"


async def test_pushed_to_nobody_but_itself(subscriber: Subscriber) -> None:
    for address in ("https://elsewhere.example/events", "http://127.0.0.1:5432/", "http://169.254.169.254/"):
        delivery = {"method": PUSH, "endpoint_url": address}
        answer = await subscriber.ask("POST", "streams", {"delivery": delivery})
        assert (answer.status_code, answer.json()["code"]) == (400, "MJ-IDP-203")


async def test_paused_it_holds_and_disabled_it_forgets(subscriber: Subscriber) -> None:
    stream_id = (await subscriber.stream())["stream_id"]
    paused = {"stream_id": stream_id, "status": "paused", "reason": "a walk"}
    assert (await subscriber.ask("POST", "status", paused)).json() == paused
    assert (await subscriber.ask("GET", f"status?stream_id={stream_id}")).json() == paused
    await subscriber.end_one()
    assert (await subscriber.poll(stream_id))["sets"] == {}
    await subscriber.ask("POST", "status", {"stream_id": stream_id, "status": "enabled"})
    assert len((await subscriber.poll(stream_id))["sets"]) == 1
    await subscriber.ask("POST", "status", {"stream_id": stream_id, "status": "disabled"})
    await subscriber.end_one()
    await subscriber.ask("POST", "status", {"stream_id": stream_id, "status": "enabled"})
    assert (await subscriber.poll(stream_id))["sets"] == {}


async def test_a_person_who_was_removed_is_told_of_no_more(subscriber: Subscriber) -> None:
    stream_id = (await subscriber.stream())["stream_id"]
    parts = subscriber.provider.parts
    user = await subscriber.provider.person()
    subject = {"format": "iss_sub", "iss": parts.issuer, "sub": str(user)}

    async def sign_in_and_out() -> None:
        async with parts.database.begin() as tx:
            begun = await parts.one_session.begin(tx, beginning(user, subscriber.clock))
            assert isinstance(begun, Began)
            await parts.one_session.end(tx, begun.session.sid, "sign_out", correlation_id="c")

    named = {"stream_id": stream_id, "subject": subject}
    assert (await subscriber.ask("POST", "subjects/remove", named)).status_code == 204
    assert (await subscriber.ask("POST", "subjects/remove", named)).status_code == 204
    await sign_in_and_out()
    assert (await subscriber.poll(stream_id))["sets"] == {}
    complex_ = {"stream_id": stream_id, "subject": {"format": "complex", "user": subject}}
    assert (await subscriber.ask("POST", "subjects/add", complex_)).status_code == 200
    await sign_in_and_out()
    assert len((await subscriber.poll(stream_id))["sets"]) == 1
    # nobody learns who exists
    for sub in (str(uuid4()), "nobody"):
        stranger = {"stream_id": stream_id, "subject": {**subject, "sub": sub}}
        assert (await subscriber.ask("POST", "subjects/remove", stranger)).status_code == 204
    wrong = {"stream_id": stream_id, "subject": {"format": "email", "email": "a@b.example"}}
    assert (await subscriber.ask("POST", "subjects/add", wrong)).status_code == 400


async def test_a_verification_comes_on_the_stream_and_not_too_often(subscriber: Subscriber) -> None:
    stream_id = (await subscriber.stream(events_requested=[]))["stream_id"]
    asked = {"stream_id": stream_id, "state": "VGhpcyBpcw"}
    assert (await subscriber.ask("POST", "verify", asked)).status_code == 204
    again = await subscriber.ask("POST", "verify", asked)
    assert (again.status_code, again.headers["retry-after"]) == (429, "60")
    ((_, token),) = (await subscriber.poll(stream_id))["sets"].items()
    assert subscriber.claims(token)["events"] == {VERIFICATION: {"state": "VGhpcyBpcw"}}
    subscriber.clock.advance(60)
    assert (await subscriber.ask("POST", "verify", asked)).status_code == 204


async def test_a_client_has_so_many_streams_and_only_its_own(subscriber: Subscriber, provider: Provider) -> None:
    mine = await subscriber.stream()
    other = Subscriber(provider, replace(subscriber.client, client_id="other"), subscriber.clock)
    async with provider.parts.database.begin() as tx:
        await clients.put(tx, other.client, subscriber.clock.now())
    assert (await other.ask("GET", f"streams?stream_id={mine['stream_id']}")).status_code == 404
    assert (await other.ask("POST", f"poll/{mine['stream_id']}", {})).status_code == 404
    assert (await other.ask("DELETE", f"streams?stream_id={mine['stream_id']}")).status_code == 404
    for _ in range(MOST_STREAMS):
        await other.stream()
    assert (await other.ask("POST", "streams", {})).status_code == 409


async def test_who_may_not(subscriber: Subscriber, provider: Provider) -> None:
    await provider.register("app")
    await provider.register("public", auth_method="none")
    for client_id, secret, status in (("siem", "wrong", 401), ("app", SECRET, 403), ("public", "", 401)):
        client = replace(subscriber.client, client_id=client_id)
        answer = await Subscriber(provider, client, subscriber.clock, secret).ask("GET", "streams")
        assert answer.status_code == status
    async with provider.client() as http:
        assert "Basic" in (await http.get("/signals/streams")).headers["www-authenticate"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"events_requested": "x"}', b'{"delivery": {}}', b"\xff", b'{"description": "\\u0000"}'],
)
async def test_odd_bodies_are_refused(subscriber: Subscriber, body: bytes) -> None:
    auth = httpx2.BasicAuth("siem", SECRET)
    async with subscriber.provider.client() as http:
        for method, path in (("POST", "streams"), ("PATCH", "streams")):
            answer = await http.request(method, f"/signals/{path}", content=body, auth=auth)
            assert answer.status_code == 400
            assert answer.headers["content-type"] == "application/problem+json"


async def test_a_pairwise_receiver_is_told_by_the_names_that_its_sector_knows(subscriber: Subscriber) -> None:
    metadata = ClientMetadata(subject_type="pairwise")
    pairwise = replace(subscriber, client=replace(subscriber.client, client_id="other", metadata=metadata))
    parts = subscriber.provider.parts
    async with parts.database.begin() as tx:
        await clients.put(tx, pairwise.client, subscriber.clock.now())
        await directory.put_client_home(tx, "other", ClientHome(organisation_id=HOUSE))
    polled = await pairwise.stream()
    delivery = {"method": PUSH, "endpoint_url": "https://siem.example/events"}
    await pairwise.stream(delivery=delivery)
    user, sid = await subscriber.end_one()
    (token,) = (await pairwise.poll(polled["stream_id"]))["sets"].values()
    told = pairwise.claims(token)
    shown = parts.subject_identifiers.shown(pairwise.client, user)
    assert told["sub_id"]["user"]["sub"] == shown
    assert told["sub_id"]["session"]["id"] == parts.subject_identifiers.sid(pairwise.client, sid)
    assert "txn" not in told, "another sector's receiver is told the same one"
    for own in (str(user), sid):
        assert own not in msgspec.json.encode(told).decode()
    async with parts.database.begin() as tx:
        (push,) = await deliveries.claim_pushes(tx, subscriber.clock.now(), subscriber.clock.now(), [], each=1, limit=9)
    pushed = as_known_to(push.delivery, push.sector, parts.subject_identifiers.pairwise)
    assert (pushed.facts["sub"], push.sector) == (shown, pairwise.client.redirect_uris)

    # and whom it names is found by the same name, and by no other
    for named, hears in ((str(user), True), (shown, False)):
        subject = {"format": "iss_sub", "iss": parts.issuer, "sub": named}
        body = {"stream_id": polled["stream_id"], "subject": subject}
        assert (await pairwise.ask("POST", "subjects/remove", body)).status_code == 204
        assert bool((await pairwise.poll(polled["stream_id"]))["sets"]) is True, "what waits already is told"
        async with parts.database.connect() as tx:
            recipients = await deliveries.recipients(tx, sid, user, SESSION_REVOKED)
        assert any(str(one.stream_id) == polled["stream_id"] for one in recipients) is hears
