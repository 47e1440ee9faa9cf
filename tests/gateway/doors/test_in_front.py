"""nginx and HAProxy with their ready configurations before a recording service: what arrives, and what clients see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.client_address import ClientAddresses
from config.entropy import SystemEntropy
from config.replays import Replays
from config.sections.gateway import GatewaySettings
from gateway.doors.server import open_doors
from gateway.proxy.door import Door
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.server import serve
from gateway.proxy.watch import Watch
from gateway.step_up.page import StepUpPages
from jose.assertion import ISSUER, audience
from jose.jws import verify
from jose.keys import KeyRing
from tests.gateway.doors.real import KINDS, Command, in_front
from tests.gateway.doors.test_conformance import AMBIGUOUS, METHODS, SHOP
from tests.gateway.proxy.authority import Authority
from tests.gateway.proxy.rig import Answered, Asked, Client, Origin, free_port
from tests.gateway.rig import Rig
from tests.idp.keys import Key

NAVIGATES = b"Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n"


@dataclass
class Front:
    """A proxy before a service, and the gateway beside it."""

    rig: Rig
    origin: Origin
    port: int

    async def client(self) -> Client:
        return Client(*await asyncio.open_connection("127.0.0.1", self.port))

    async def ask(
        self, target: str = "/products", method: str = "GET", fields: bytes = b"", body: bytes = b"", host: bytes = b""
    ) -> Answered:
        """One request of a client's."""
        client = await self.client()
        host = host or b"shop.localhost:8080"
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        line = f"{method} {target} HTTP/1.1\r\n".encode()
        answer = await client.ask(
            line + b"Host: " + host + b"\r\n" + fields + length + b"\r\n" + body, without_body=method == "HEAD"
        )
        client.writer.close()
        return Answered(answer.status, [(name.lower(), value) for name, value in answer.headers], answer.body)

    def claims(self, asked: Asked) -> dict[str, object]:
        """Of the one assertion that the service was sent."""
        (assertion,) = asked.values(b"munjigi-assertion")
        return verify(
            assertion.decode(),
            KeyRing.of(self.rig.assertion_key),
            expected_typ="munjigi-assertion+jwt",
            expected_issuer=ISSUER,
            expected_audience=audience("commerce"),
            now=self.rig.clock.timestamp(),
        )


async def answers(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The service: a websocket that echoes, and otherwise nothing much."""
    if asked.values(b"upgrade"):
        writer.write(SWITCHES)
        while data := await reader.read(1024):
            writer.write(data)
        return
    if asked.line.startswith(b"HEAD"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    else:
        writer.write(REFUSES if b"/mine" in asked.line else SAYS)


SWITCHES = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
SAYS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nMunjigi-Correlation-Id: of-the-service\r\n\r\nok"
REFUSES = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nmine"


@pytest.fixture(params=KINDS)
async def front(rig: Rig, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Front]:
    async with standing(rig, folder, request.param) as front:
        yield front


@asynccontextmanager
async def standing(
    rig: Rig, folder: Path, kind: Command, *, authority: Authority | None = None, believed: bool = False
) -> AsyncIterator[Front]:
    """All of it. With an authority the proxy ends TLS; `believed`: it is, where it tells of certificates."""
    limits, watch = Limits(), Watch(tick=0.01)
    origin = Origin(folder / "origin.sock", answers)
    await origin.start()
    await rig.project()
    door = Door(
        rig.pipeline,
        StepUpPages(rig.pages),
        Pools([], limits=limits, watch=watch),
        SystemEntropy(),
        watch,
        limits,
        addresses=ClientAddresses(("127.0.0.1/32",)),
        certificates=believed,
    )
    asked, listen = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    stop, ready = asyncio.Event(), asyncio.Event()
    settings = GatewaySettings(decision_listen=asked)
    async with open_doors(door, settings, lambda host: rig.pipeline.table.authorities.get(host)):
        serving = asyncio.create_task(serve(door, listen, ready.set, stop))
        await ready.wait()
        try:
            async with (
                asyncio.timeout(60),
                in_front(
                    kind, folder, door=asked, gateway=listen, service=f"unix:{origin.path}", authority=authority
                ) as port,
            ):
                yield Front(rig, origin, port)
        finally:
            stop.set()
            await serving
            await origin.stop()


def bearer(front: Front, **more: object) -> bytes:
    return f"Authorization: Bearer {front.rig.token(**more)}\r\n".encode()  # type: ignore[arg-type] # claims


def problem(answer: Answered) -> tuple[int, str]:
    assert answer.values(b"content-type") == [b"application/problem+json"]
    return answer.status, str(json.loads(answer.body)["code"])


async def test_the_service_is_told_who_asks_and_sees_no_credential(front: Front) -> None:
    fields = bearer(front) + b"Cookie: theme=dark\r\nX-Trace: 1\r\nDPoP: of nobody\r\n"
    answer = await front.ask("/products?x=%41&y", "POST", fields, b"hello")
    assert (answer.status, answer.body) == (200, b"ok")
    (asked,) = front.origin.asked
    assert asked.line == b"POST /products?x=%41&y HTTP/1.1"
    assert asked.body == b"hello"
    assert front.claims(asked)["sub"] == "kim"
    assert (asked.values(b"authorization"), asked.values(b"dpop")) == ([], [])
    assert (asked.values(b"cookie"), asked.values(b"x-trace")) == ([b"theme=dark"], [b"1"])
    assert asked.values(b"x-forwarded-for") == [b"127.0.0.1"]
    assert asked.values(b"x-forwarded-host") == [b"shop.localhost:8080"]
    assert asked.values(b"host") == [b"shop.localhost:8080"]
    record = front.rig.heard.records[-1]
    correlation_id = str(record["correlation_id"]).encode()
    assert asked.values(b"munjigi-correlation-id") == answer.values(b"munjigi-correlation-id") == [correlation_id]
    assert (record["path"], record["method"], record["address"]) == ("/products", "POST", "127.0.0.1")


async def test_a_cookie_session_passes_until_it_ends(front: Front) -> None:
    cookie = b"Cookie: " + await front.rig.cookie() + b"; cart=1\r\n"
    assert (await front.ask(fields=cookie)).status == 200
    assert front.origin.asked[-1].values(b"cookie") == [b"cart=1"]
    assert (await front.ask(fields=cookie)).status == 200, "warm"
    front.rig.session_event(state="ended")
    answer = await front.ask(fields=cookie)
    assert problem(answer) == (401, "MJ-GATEWAY-212")
    led = await front.ask("/cart?item=1", fields=cookie + NAVIGATES)
    assert led.status == 302
    assert led.values(b"location") == [b"/.munjigi/ended?return_to=%2Fcart%3Fitem%3D1"]
    assert len(front.origin.asked) == 2


async def test_what_the_service_refuses_is_its_own(front: Front) -> None:
    answer = await front.ask("/mine", fields=bearer(front))
    assert (answer.status, answer.body) == (403, b"mine")


async def test_many_cookies_pass_there_and_back(front: Front) -> None:
    cookie = b"large=" + b"a" * 7000
    assert (await front.ask(fields=bearer(front) + b"Cookie: " + cookie + b"\r\n")).status == 200
    assert front.origin.asked[-1].values(b"cookie") == [cookie]


async def test_nothing_forged_reaches_the_service(front: Front) -> None:
    names = (
        b"Munjigi-Assertion", b"munjigi_assertion", b"Munjigi.Assertion", b"Munjigi-Correlation-Id", b"X-User",
        b"x_user",
        b"X-Original-URI", b"X-Original-Method", b"X-Forwarded-Uri", b"X-Forwarded-Method", b"X-Forwarded-Host",
        b"X_Forwarded_For", b"X-Forwarded-For", b"Forwarded", b"Remote-User", b"X-Forwarded-User", b"Client-Cert",
        b"X-Auth-Request-Email", b"X-Real-IP", b"X-Rewrite-Url", b"Proxy",
    )  # fmt: skip
    forged = b"".join(name + b": /assets/forged\r\n" for name in names)
    answer = await front.ask(fields=forged)
    assert problem(answer) == (401, "MJ-GATEWAY-210"), "/assets is public"
    assert problem(await front.ask("/closed", fields=forged + bearer(front))) == (403, "MJ-GATEWAY-216")
    assert (await front.ask(fields=forged + bearer(front))).status == 200
    (asked,) = front.origin.asked
    assert b"forged" not in asked.head
    assert front.claims(asked)["sub"] == "kim"
    assert front.rig.heard.records[-1]["address"] == "127.0.0.1"


@pytest.mark.parametrize("target", AMBIGUOUS)
async def test_a_path_that_can_be_read_in_two_ways_is_refused(front: Front, target: str) -> None:
    answer = await front.ask(target, fields=bearer(front))
    assert answer.status == 400
    assert front.origin.asked == []


async def test_the_request_s_own_method_is_decided(front: Front) -> None:
    for method in METHODS:
        assert (await front.ask(method=method, fields=bearer(front))).status == 200
        assert front.rig.heard.records[-1]["method"] == method
        assert front.origin.asked[-1].line == f"{method} /products HTTP/1.1".encode()
        assert (await front.ask("/closed", method, fields=bearer(front))).status == 403
    assert len(front.origin.asked) == len(METHODS)


async def test_a_host_in_the_request_line_is_no_way_around(front: Front) -> None:
    """nginx lets it win over Host, HAProxy takes only what agrees: either way the door decides of the same one."""
    line = "http://console.localhost:8080/assets/a.css"
    assert (await front.ask(line)).status >= 400
    assert (await front.ask("http://shop.localhost:8080/assets/a.css", host=b"console.localhost:8080")).status != 500
    assert all(record["zone"] == "shop" for record in front.rig.heard.records)
    assert (await front.ask(host=b"elsewhere.localhost", fields=bearer(front))).status == 404


async def test_challenges_and_proofs_go_through(front: Front) -> None:
    answer = await front.ask()
    assert problem(answer) == (401, "MJ-GATEWAY-210")
    assert answer.values(b"munjigi-correlation-id") == [json.loads(answer.body)["correlation_id"].encode()]
    (challenge,) = answer.values(b"www-authenticate")
    assert challenge.startswith(b'Bearer realm="munjigi", resource_metadata="http://shop.localhost:8080/')
    key = Key()
    await Replays(front.rig.valkey, "gateway-dpop").begin(front.rig.clock.timestamp() - 60)
    token = front.rig.token(cnf={"jkt": key.thumbprint})
    shown = b"Authorization: DPoP %b\r\nDPoP: " % token.encode()
    proof = key.proof("POST", f"{SHOP}/products", front.rig.clock.timestamp(), token=token).encode() + b"\r\n"
    assert (await front.ask("/products?page=2", "POST", shown + proof)).status == 200
    again = await front.ask("/products?page=2", "POST", shown + proof)
    assert problem(again) == (401, "MJ-GATEWAY-218")
    assert len(again.values(b"www-authenticate")) == 1


async def test_people_see_the_gateway_s_own_pages(front: Front) -> None:
    led = await front.ask("/cart", fields=NAVIGATES)
    assert (led.status, led.values(b"location")) == (302, [b"/.munjigi/sign-in?return_to=%2Fcart"])
    cookie = b"Cookie: " + await front.rig.cookie() + b"\r\n"
    refused = await front.ask("/closed", fields=cookie + NAVIGATES)
    assert refused.status == 403
    assert b"MJ-GATEWAY-216" in refused.body
    assert b"<h1" in refused.body
    own = await front.ask("/.munjigi/signed-out", fields=NAVIGATES)
    assert own.status == 200
    metadata = await front.ask("/.well-known/oauth-protected-resource")
    assert json.loads(metadata.body)["resource"] == SHOP
    assert (await front.ask("/.munjigi/../closed", fields=NAVIGATES)).status == 400
    assert front.origin.asked == []


async def test_a_form_that_needs_a_stronger_sign_in_reaches_no_service(front: Front, stepped_up: None) -> None:
    cookie = b"Cookie: " + await front.rig.cookie() + b"\r\n"
    fields = cookie + NAVIGATES + b"Origin: http://shop.localhost:8080\r\nReferer: http://shop.localhost:8080/cart\r\n"
    fields += b"Content-Type: application/x-www-form-urlencoded\r\n"
    answer = await front.ask("/pay", "POST", fields, b"amount=1000")
    assert front.origin.asked == []
    if answer.status == 401:  # nginx passes it on to the gateway, which keeps the form in its page
        assert b'name="amount" value="1000"' in answer.body
    else:
        assert answer.status == 303
        assert answer.values(b"location")[0].startswith(b"/.munjigi/sign-in?return_to=%2Fcart&acr_values=")


async def test_a_websocket_passes_by_its_handshake(front: Front) -> None:
    cookie = b"Cookie: " + await front.rig.cookie() + b"\r\n"
    handshake = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    foreign = await front.ask("/reservations/live", fields=cookie + handshake + b"Origin: http://evil.example\r\n")
    assert problem(foreign) == (403, "MJ-GATEWAY-204")
    client = await front.client()
    client.send(
        b"GET /reservations/live HTTP/1.1\r\nHost: shop.localhost:8080\r\nOrigin: http://shop.localhost:8080\r\n"
        + cookie
        + handshake
        + b"\r\n"
    )
    assert (await client.answer()).status == 101
    assert await client.ask_bytes(b"\x81\x05hello", 7) == b"\x81\x05hello"
    (asked,) = front.origin.asked
    assert b"evil" not in asked.head
    client.writer.close()


async def test_without_an_answer_of_the_door_nothing_passes(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await front.ask("/assets/a.css")).status == 200
    monkeypatch.setattr("gateway.doors.connection.DoorConnection._take", lambda self, raw: self.cut())
    assert (await front.ask("/assets/a.css")).status >= 500
    assert len(front.origin.asked) == 1


@pytest.mark.parametrize("front", KINDS[1:], indirect=True)
async def test_an_error_in_haproxy_s_script_is_no_way_in(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """HAProxy goes on with its rules after one: what this door leaves out makes one."""
    bare = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    monkeypatch.setattr("gateway.doors.connection.DoorConnection._take", lambda self, _: self._transport.write(bare))
    assert (await front.ask("/assets/a.css")).status == 503
    assert front.origin.asked == []
