"""The door: a service's own socket, and nothing without the gateway's assertion."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import websockets
from starlette.requests import HTTPConnection
from websockets.asyncio.client import ClientConnection, unix_connect

from config.clock import SystemClock
from config.problem import Problem
from config.settings import Settings
from jose.assertion import HEADER, Assertion, AssertionSigner, Subject
from jose.keys import KeyRing, SigningKey
from tests.upstreams.conftest import Client, Databases, Someone
from upstreams.commerce import app as commerce
from upstreams.door.person import person_of
from upstreams.reservation import app as reservation
from upstreams.reservation import worker as reservation_worker

Serve = Callable[[Settings, Callable[[], None], asyncio.Event], Awaitable[None]]
SEAT = "SEAT-MOON-CONCERT"


@asynccontextmanager
async def serving(serve: Serve, settings: Settings) -> AsyncIterator[asyncio.Event]:
    """A whole service, as its process runs it."""
    ready, stop = asyncio.Event(), asyncio.Event()
    running = asyncio.ensure_future(serve(settings, ready.set, stop))
    waiting = asyncio.ensure_future(ready.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        waiting.cancel()
        running.result()
    try:
        yield stop
    finally:
        stop.set()
        await running


@asynccontextmanager
async def client_of(settings: Settings, service: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.AsyncHTTPTransport(uds=str(settings.upstream_socket(service)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.localhost:8080") as http:
        yield http


def websocket(
    settings: Settings, signer: AssertionSigner, someone: Someone, last: str = "", **headers: str
) -> unix_connect:
    assertion = signer.sign("reservation", someone.subject, zone="reservation", now=SystemClock().timestamp())
    return unix_connect(
        str(settings.upstream_socket("reservation")),
        f"ws://shop.localhost:8080/reservations/events{f'?last={last}' if last else ''}",
        additional_headers={HEADER: assertion, **headers},
    )


async def told(connection: ClientConnection) -> dict[str, Any]:
    """The next result; whose turn it is comes in between."""
    async with asyncio.timeout(5):
        while True:
            found: dict[str, Any] = json.loads(await connection.recv())
            if found["kind"] not in ("position", "up_to_date"):
                return found


async def until_closed(connection: ClientConnection) -> None:
    while True:
        await told(connection)


async def test_nothing_enters_without_a_sound_assertion(settings: Settings, shop: Client, signer: AssertionSigner):
    subject = Someone.new().subject
    now = SystemClock().timestamp()
    strange = AssertionSigner(KeyRing.of(SigningKey.generate()))
    sound = signer.sign("commerce", subject, zone="shop", now=now)
    head, body, signature = sound.split(".")
    wrong = {
        "none": {},
        "empty": {HEADER: ""},
        "another audience": {HEADER: signer.sign("reservation", subject, zone="shop", now=now)},
        "expired": {HEADER: signer.sign("commerce", subject, zone="admin", now=now - 61)},
        "another key": {HEADER: strange.sign("commerce", subject, zone="shop", now=now)},
        "another signature": {HEADER: f"{head}.{body}.{signature[:-8]}AAAAAAAA"},
        "bearer": {HEADER: f"Bearer {sound}"},
        "two": [(HEADER, sound), (HEADER, sound)],
    }
    for path in ("/", "/api/products", "/assets/munjigi.css", "/nowhere"):
        for name, headers in wrong.items():
            refused = await shop.http.get(path, headers=headers)
            assert refused.status_code == 401, (path, name)
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["code"] == "MJ-JOSE-001"
            assert refused.json()["correlation_id"] == refused.headers["munjigi-correlation-id"]
    assert (await shop.http.get("/api/products", headers={HEADER: sound})).status_code == 200


async def test_a_new_key_of_the_gateway_is_fetched_once_in_a_while(
    settings: Settings, shop: Client, database: Databases
):
    """Rotation: the old key retires, a new one signs; the service learns it from the first assertion that bears it."""
    from sqlalchemy import update

    from config.envelope import Envelope
    from jose.storage.keys import SigningKeys
    from jose.storage.tables import signing_key

    assert (await shop.get("/api/products")).status_code == 200
    async with database("gateway").begin() as tx:
        await tx.execute(
            update(signing_key).values(state="retired", sealed=None).where(signing_key.c.purpose == "assertion")
        )
        ring = await SigningKeys(Envelope.load(settings)).ensure_active(tx, "assertion", SystemClock().now())
    rotated = Client(shop.http, "commerce", AssertionSigner(ring), shop.someone, shop.envelope)
    assert (await rotated.get("/api/products")).status_code == 200
    assert (await shop.get("/api/products")).status_code == 401
    # strangers' keys do not make it ask again and again
    strange = AssertionSigner(KeyRing.of(SigningKey.generate()))
    stranger = Client(shop.http, "commerce", strange, shop.someone, shop.envelope)
    for _ in range(3):
        assert (await stranger.get("/api/products")).status_code == 401


async def test_without_a_person_only_what_is_public(shop: Client):
    nobody = shop.of(Someone(uuid4(), Subject()))
    assert (await nobody.get("/assets/munjigi.css")).status_code == 200
    for path in ("/", "/api/orders"):
        answer = await nobody.get(path)
        assert answer.status_code == 401
        assert answer.json()["code"] == "MJ-DOOR-001"


async def test_a_reduced_decision_is_honoured(shop: Client, slots: Client):
    listed = (await shop.get("/api/products")).json()["products"]
    offer = next(offer["id"] for product in listed for offer in product["offers"] if offer["sku"] == "TEA-SEJAK")
    order = {
        "json": {"lines": [{"offer": offer, "quantity": 1}]},
        "headers": {"Idempotency-Key": uuid4().hex},
    }
    reading = shop.reduced("read_only", "limit:10")
    assert (await reading.get("/api/products")).status_code == 200
    refused = await reading.post("/api/orders", **order)
    assert refused.status_code == 403
    assert refused.json()["code"] == "MJ-DOOR-007"
    placed = await shop.reduced("mask:total", "mask:name").post("/api/orders", **order)
    assert placed.status_code == 201
    assert placed.json()["total"] == "***"
    assert placed.json()["orders"][0]["seller"]["name"] == "***"
    assert placed.json()["orders"][0]["goods"] == 24000
    assert (await slots.reduced("read_only").post("/reservations", json={})).json()["code"] == "MJ-DOOR-007"


async def test_the_shop_listens_on_its_socket_alone(settings: Settings, shop: Client):
    async with serving(commerce.serve, settings):
        path = settings.upstream_socket("commerce")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with client_of(settings, "commerce") as http:
            assert (await http.get("/api/products")).status_code == 401
            through = Client(http, "commerce", shop.signer, shop.someone, shop.envelope)
            page = await through.get("/", headers={"Accept": "text/html"})
            assert page.status_code == 200
            assert "no-store" in page.headers["cache-control"]
    assert not path.exists()


async def test_a_result_comes_by_websocket_and_again_on_reconnect(settings: Settings, slots: Client):
    someone = slots.someone
    async with (
        serving(reservation.serve, settings),
        serving(reservation_worker.serve, settings),
        client_of(settings, "reservation") as http,
    ):
        through = Client(http, "reservation", slots.signer, someone, slots.envelope)
        async with (
            websocket(settings, slots.signer, someone) as mine,
            websocket(settings, slots.signer, Someone.new()) as other,
        ):
            asked = await through.post(
                "/reservations",
                json={"lines": [{"sku": SEAT, "quantity": 2}]},
                headers={"Idempotency-Key": uuid4().hex},
            )
            assert asked.status_code == 202
            record = await told(mine)
            assert record["id"] == asked.json()["id"]
            assert record["state"] == "PENDING"
            kept = (await through.get(asked.headers["location"])).json()
            assert (kept["state"], kept["position"]) == ("PENDING", None)
            assert record["expires_at"] == kept["expires_at"]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await other.recv()
        async with websocket(settings, slots.signer, someone) as again:
            shown = await told(again)
            assert (shown["id"], shown["state"], shown["kind"]) == (record["id"], "PENDING", "record")
            await again.send(json.dumps({"acknowledge": [record["id"]]}))
            await again.send("nonsense")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await until_closed(again)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
        confirmed = await through.post(f"{asked.headers['location']}/confirm", json={})
        assert confirmed.json()["state"] == "CONFIRMED"


async def test_a_page_that_was_away_is_told_what_it_missed(settings: Settings, slots: Client):
    """By websocket and by event stream, from the last event that it knows; and whose turn it is while it waits."""
    someone = slots.someone
    async with serving(reservation.serve, settings), client_of(settings, "reservation") as http:
        through = Client(http, "reservation", slots.signer, someone, slots.envelope)
        asked = await through.post(
            "/reservations",
            json={"lines": [{"sku": SEAT, "quantity": 2}]},
            headers={"Idempotency-Key": uuid4().hex},
        )
        assert asked.json()["position"] == 1
        async with websocket(settings, slots.signer, someone) as mine, asyncio.timeout(5):
            turn = json.loads(await mine.recv())
            assert turn == {"kind": "position", "id": asked.json()["id"], "position": 1, "state": "QUEUED"}
        async with serving(reservation_worker.serve, settings), websocket(settings, slots.signer, someone) as mine:
            held = await told(mine)
        assert held["kind"] in ("held", "record")
        await through.post(f"{asked.headers['location']}/confirm", json={})
        async with websocket(settings, slots.signer, someone, last="1") as again:
            confirmed = await told(again)
        assert (confirmed["id"], confirmed["kind"], confirmed["state"]) == (held["id"], "confirmed", "CONFIRMED")
        assertion = slots.signer.sign("reservation", someone.subject, zone="reservation", now=SystemClock().timestamp())
        heard = {HEADER: assertion, "Last-Event-ID": "1"}
        async with http.stream("GET", "/reservations/events", headers=heard) as stream, asyncio.timeout(5):
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = aiter(stream.aiter_lines())
            read = [await anext(lines) for _ in range(5)]
        assert read[0] == "retry: 1000"
        assert read[2:4] == [f"id: {confirmed['event']}", "event: confirmed"]
        assert json.loads(read[4].removeprefix("data: ")) == confirmed
        assert (await through.get("/reservations/events", headers={"Last-Event-ID": "x"})).status_code == 422


async def test_an_acknowledged_result_is_not_told_for_ever(slots: Client, database: Databases):
    """What was acknowledged and is no longer recent is not replayed; another's acknowledgement counts for nothing."""
    from datetime import timedelta
    from uuid import UUID

    from upstreams.reservation.storage.records import StoredRecords
    from upstreams.reservation.storage.requests import StoredRequests

    asked = await slots.post(
        "/reservations",
        json={"lines": [{"sku": SEAT, "quantity": 2}]},
        headers={"Idempotency-Key": uuid4().hex},
    )
    ident, now = UUID(asked.json()["id"]), SystemClock().now()
    requests, records, person = StoredRequests(), StoredRecords(), slots.someone.id
    async with database("reservation").begin() as tx:
        await requests.bury(tx, ident, "cannot_be_decided", now, error="ValueError", sqlstate=None)
        later = now + timedelta(seconds=1)
        await requests.acknowledge(tx, uuid4(), [ident], now)
        assert [record.id for record in await records.to_tell(tx, person, later)] == [ident]
        await requests.acknowledge(tx, person, [ident], now)
        assert await records.to_tell(tx, person, later) == []
        assert [record.id for record in await records.to_tell(tx, person, now)] == [ident]


async def test_pages_are_sent_away_when_the_service_stops(settings: Settings, slots: Client):
    async with serving(reservation.serve, settings) as stop, websocket(settings, slots.signer, slots.someone) as mine:
        assert await (await mine.ping()) >= 0
        stop.set()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await mine.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


async def test_a_websocket_needs_the_assertion_and_its_own_origin(settings: Settings, slots: Client):
    async with serving(reservation.serve, settings):
        path = str(settings.upstream_socket("reservation"))
        address = "ws://shop.localhost:8080/reservations/events"
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with unix_connect(path, address):
                pass
        assert refused.value.response.status_code == 401
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websocket(settings, slots.signer, slots.someone, Origin="http://evil.example"):
                pass
        assert refused.value.response.status_code == 403
        async with websocket(settings, slots.signer, slots.someone, Origin="http://shop.localhost:8080"):
            pass
        nobody = Someone(uuid4(), Subject())
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websocket(settings, slots.signer, nobody):
                pass
        assert refused.value.response.status_code == 401


@pytest.mark.parametrize("origin", ["http://[", "http://evil.example", "shop.localhost:8080", ""])
async def test_an_origin_of_elsewhere_is_refused_however_it_is_written(slots: Client, origin: str):
    answer = await slots.post("/reservations", headers={"origin": origin}, json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "MJ-DOOR-002")


def test_a_program_is_no_person_even_where_its_id_looks_like_one() -> None:
    ident = str(uuid4())
    for roles, person in (((f"client:{ident}",), None), (("customer",), ident), ((f"client:{uuid4()}",), ident)):
        said = Assertion(subject=Subject(sid="s", sub=ident, roles=roles), zone="shop", obligations=(), expires_at=0.0)
        connection = HTTPConnection({"type": "http", "state": {"assertion": said}})
        if person is None:
            with pytest.raises(Problem, match="MJ-DOOR-001"):
                person_of(connection)
        else:
            assert str(person_of(connection).id) == person
