"""A case and its trial: what is sent, what must become of it, and the words for what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from tests.proxy_suite.origin import Arrived, Behaviour, Origin
from tests.proxy_suite.target import Hurry, Target
from tests.proxy_suite.wire import Ended, Heard, Wire, hear

GET = b"GET <path>/first HTTP/1.1\r\nHost: <host>\r\n<through>"
POST = b"POST <path>/first HTTP/1.1\r\nHost: <host>\r\n<through>"
SMUGGLED = b"GET <path>/smuggled HTTP/1.1\r\nHost: <host>\r\n<through>\r\n"
NEXT = b"GET <path>/next HTTP/1.1\r\nHost: <host>\r\n<through>Connection: close\r\n\r\n"


class Outcome(StrEnum):
    """What came of a case."""

    PASSED = "passed"
    MENDED = "made plain"
    """Not refused, but it reached the origin in a form with one reading, and nothing came of it."""
    FAILED = "failed"
    NOT_OFFERED = "not offered"


class Failed(Exception):
    """The gateway did what it must not, or did not what it must."""


class Mended(Exception):
    """`Outcome.MENDED`."""


@dataclass(frozen=True)
class Case:
    """One thing that a gateway gets right or wrong."""

    name: str
    run: Callable[[Trial], Awaitable[None]]
    needs: str = ""
    """What a target must offer for it."""
    waits: bool = False
    """It waits for the gateway's time to pass."""


@dataclass(frozen=True)
class Row:
    """A topic of the check list."""

    name: str
    demand: str
    faults: tuple[str, ...]
    """The faults of peers that it stands for."""
    cases: tuple[Case, ...]


@dataclass
class Trial:
    """One case against one target."""

    name: str
    target: Target
    origin: Origin
    hurry: Hurry | None = None
    wires: list[Wire] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where this case's requests go."""
        return f"{self.target.prefix}/{self.name}"

    def behaves(self, behaviour: Behaviour) -> None:
        """The origin answers this case so."""
        self.origin.scripts[self.name] = behaviour

    def arrived(self) -> list[Arrived]:
        """What reached the origin, those innocent requests not counted that come after."""
        return [one for one in self.origin.of(self.name) if b"/after-" not in one.target]

    # --- sending

    def fill(self, head: bytes, body: bytes = b"") -> bytes:
        """Put in what is known only now: `<path>`, `<host>`, `<through>`, `<smuggled>`; of the body `<cl>`, its length;
        of the smuggled request `<hex>`, its length, and `<cut>`, how long the line with that is."""
        smuggled = self._named(SMUGGLED)
        size = b"%x" % len(smuggled)
        body = self._named(body).replace(b"<smuggled>", smuggled).replace(b"<hex>", size)
        head = self._named(head).replace(b"<smuggled>", smuggled).replace(b"<hex>", size)
        return head.replace(b"<cl>", b"%d" % len(body)).replace(b"<cut>", b"%d" % (len(size) + 2)) + body

    def _named(self, text: bytes) -> bytes:
        target = self.target
        for mark, value in (
            (b"<path>", self.path),
            (b"<host>", target.authority),
            (b"<through>", "".join(f"{line}\r\n" for line in target.through)),
            (b"<browser>", "".join(f"{line}\r\n" for line in target.browser)),
            (b"<closed>", target.closed),
            (b"<case>", self.name),
        ):
            text = text.replace(mark, value.encode("latin-1"))
        return text

    async def connect(self, source: str = "") -> Wire:
        """A new connection; `source`: the address that it comes from."""
        host, port = self.target.address
        local = (source, 0) if source else None
        wire = Wire(*await asyncio.open_connection(host, port, local_addr=local, limit=1 << 20))
        self.wires.append(wire)
        return wire

    async def hear(self, wire: Wire, *methods: str, most: int = 99) -> Heard:
        """What comes on a connection."""
        target = self.target
        return await hear(wire, list(methods), patience=target.patience, silence=target.silence, most=most)

    async def ask(self, head: bytes, body: bytes = b"", *, source: str = "", methods: Sequence[str] = ()) -> Heard:
        """Send on a connection of its own, and hear all that comes of it."""
        wire = await self.connect(source)
        wire.send(self.fill(head, body))
        return await self.hear(wire, *methods)

    async def one(self, head: bytes, body: bytes = b"", *, source: str = "", method: str = "GET") -> Heard:
        """Send one request whose one answer is waited for, and no longer."""
        wire = await self.connect(source)
        wire.send(self.fill(head, body))
        return await self.hear(wire, method, most=1)

    async def heard_bytes(self, wire: Wire, count: int) -> bytes:
        """So many bytes past those that were read, or as many as come in time."""
        try:
            async with asyncio.timeout(self.target.patience):
                return await wire.exactly(count)
        except (TimeoutError, Ended):
            return wire.unread

    async def heard_end(self, wire: Wire) -> bool:
        """Whether the gateway closes the connection in time; what comes before that is kept in `wire.raw`."""
        try:
            async with asyncio.timeout(self.target.patience):
                while await wire.more():
                    pass
        except TimeoutError:
            return False
        return True

    async def heard_close(self, wire: Wire) -> bool:
        """Whether the gateway says by a close frame, or by the end of the connection, that a websocket is over."""
        try:
            async with asyncio.timeout(self.target.patience):
                while not wire.unread.startswith(b"\x88") and await wire.more():
                    pass
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        await asyncio.gather(*(wire.close() for wire in self.wires))

    # --- what must be so

    async def refused(self, head: bytes, body: bytes = b"", *, hides: bool = False) -> None:
        """It must be refused, reach nobody, and leave nothing behind. Raises `Mended` where it was made plain.

        `hides`: where its body ends is in doubt, so that a request behind it may be part of it, and is nobody's. What
        stands behind anything else is the client's next request to whoever reads on.
        """
        heard = await self.ask(head, body)
        await self.unharmed()
        arrived = self.arrived()
        self.unambiguous(arrived, 1 if hides else 2, read_on=not hides)
        if hides and len(heard.answers) > 1:
            raise Failed(f"what stands behind it was read as a request: {heard.statuses}")
        if arrived or any(status < 400 for status in heard.statuses):
            raise Mended(f"passed on in one plain form, answered {heard.statuses}")
        if len(heard.answers) > 1:
            raise Mended(f"refused, and read on: {heard.statuses}")
        if heard.fault and not heard.answers:
            raise Failed(f"the answer is not HTTP/1.1: {heard.fault}")
        if not heard.answers and not heard.closed:
            raise Mended("neither refused nor passed on")

    def unambiguous(self, arrived: list[Arrived], meant: int, *, read_on: bool = False) -> None:
        """Nothing reached the origin that the client did not mean, or that another reader takes for something else.

        `read_on`: the gateway may have read the smuggled request as one of its own; then it does not arrive as it was
        sent, since each gateway changes something.
        """
        sent = self._named(SMUGGLED)
        for one in arrived:
            if b"/smuggled" in one.target and (one.raw == sent or not read_on):
                raise Failed("the origin saw the smuggled request")
            if one.fault:
                raise Failed(f"passed on as it came: {one.fault}")
        if len(arrived) > meant:
            raise Failed(f"{len(arrived)} requests arrived, {meant} meant")

    async def unharmed(self, count: int = 2) -> None:
        """The next clients get their own answers."""

        async def innocent(number: int) -> None:
            heard = await self.one(b"GET <path>/after-%d HTTP/1.1\r\nHost: <host>\r\n<through>\r\n" % number)
            own = f"{self.path}/after-{number}".encode()
            if len(heard.answers) != 1 or heard.answers[0].fault:
                raise Failed(f"another client got no answer: {heard.statuses} {heard.fault}")
            if heard.answers[0].body != own:
                raise Failed(f"another client got {heard.answers[0].status} {heard.answers[0].body[:60]!r}")

        scripted = self.origin.scripts.pop(self.name, None)
        try:
            await asyncio.gather(*(innocent(number) for number in range(count)))
        finally:
            if scripted is not None:
                self.origin.scripts[self.name] = scripted

    async def served(self, head: bytes, body: bytes = b"", *, methods: Sequence[str] = (), meant: int = 1) -> Heard:
        """It is sound: it must arrive, and be answered."""
        wire = await self.connect()
        wire.send(self.fill(head, body))
        heard = await self.hear(wire, *methods, most=meant)
        arrived = self.arrived()
        self.unambiguous(arrived, meant)
        if heard.statuses != [200] * meant or len(arrived) != meant or any(one.fault for one in heard.answers):
            raise Failed(f"sound, but {len(arrived)} arrived and {heard.statuses} came back ({heard.fault})")
        return heard


def require(holds: bool, otherwise: str) -> None:
    """Raises `Failed`."""
    if not holds:
        raise Failed(otherwise)


def refusals(attacks: dict[str, bytes | tuple[bytes, bytes]], *, hides: bool = False) -> tuple[Case, ...]:
    """A case for each of these requests (head, or head and body): all must be refused (`Trial.refused`)."""

    def case(name: str, attack: bytes | tuple[bytes, bytes]) -> Case:
        head, body = attack if isinstance(attack, tuple) else (attack, b"")
        return Case(name, lambda trial: trial.refused(head, body, hides=hides))

    return tuple(case(name, attack) for name, attack in attacks.items())


def sound(requests: dict[str, tuple[bytes, bytes, int]]) -> tuple[Case, ...]:
    """A case for each of these (head, body, how many requests it is): all must be served."""

    async def run(trial: Trial, head: bytes, body: bytes, meant: int) -> None:
        await trial.served(head, body, meant=meant)

    def case(name: str, head: bytes, body: bytes, meant: int) -> Case:
        return Case(name, lambda trial: run(trial, head, body, meant))

    return tuple(case(name, *request) for name, request in requests.items())


@asynccontextmanager
async def trying(name: str, target: Target, origin: Origin, hurry: Hurry | None) -> AsyncIterator[Trial]:
    """A trial; its connections are closed afterwards."""
    trial = Trial(name, target, origin, hurry)
    try:
        yield trial
    finally:
        await trial.close()
