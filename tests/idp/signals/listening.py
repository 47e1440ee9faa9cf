"""An organisation that listens: its provider on a socket, a transmitter that it knows, and a person with a session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from config.sections.surroundings import OutboundSettings
from config.settings import Settings
from idp.devices.device import Device
from idp.sessions.one_session import Began
from idp.sessions.received.transmitter import Effects, digest_of, push_address
from idp.sessions.received.transmitter import Transmitter as Known
from idp.sessions.session import Session
from idp.storage import devices, sessions, signal_transmitters
from tests.clock import FakeClock
from tests.house import free_port
from tests.idp.conftest import OpenDatabase
from tests.idp.people import HOUSE, beginning
from tests.idp.provider import Provider
from tests.idp.signals.transmitter import Transmitter, served, transmitting

TOKEN = "a token of the stream"


@dataclass
class Listening:
    """Everything that a test of received signals needs."""

    provider: Provider
    clock: FakeClock
    database: OpenDatabase
    transmitter: Transmitter
    known: Known
    port: int
    person: UUID
    device: UUID
    sid: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/signals/receive/{self.known.id}"

    async def push(self, token: str | bytes, **headers: str | None) -> int:
        """Push it, and give the status; of a refusal the code stands in `err`."""
        answer = await self.transmitter.push(self.address, token, **headers)
        self.err = ""
        if answer.status_code == 400:
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["content-language"] == "en"
            self.err = answer.json()["err"]
            assert answer.json()["description"]
        else:
            assert answer.status_code != 202 or answer.content == b""
        return answer.status_code

    err: str = ""

    def by_mail(self, name: str = "mina") -> dict[str, str]:
        return {"format": "email", "email": f"{name}@mail.example"}

    def opaque(self, ident: object) -> dict[str, str]:
        return {"format": "opaque", "id": str(ident)}

    def iss_sub(self, sub: object, iss: str | None = None) -> dict[str, str]:
        return {"format": "iss_sub", "iss": iss or self.provider.parts.issuer, "sub": str(sub)}

    async def listen(self, **changed: Any) -> None:
        """Change what the organisation knows of the transmitter."""
        self.known = replace(self.known, **changed)
        async with self.provider.parts.database.begin() as tx:
            await signal_transmitters.change(tx, self.known, self.clock.now())

    async def effects(self, **changed: Any) -> None:
        await self.listen(effects=Effects(**changed))

    async def session(self, sid: str | None = None) -> Session:
        async with self.provider.parts.database.connect() as tx:
            found = await sessions.find(tx, sid or self.sid)
        assert found is not None
        return found

    async def end_reason(self, sid: str | None = None) -> str | None:
        return (await self.session(sid)).end_reason

    async def begin(self, person: UUID, device: UUID | None = None, organisation: UUID = HOUSE, **more: Any) -> str:
        async with self.provider.parts.database.begin() as tx:
            asked = replace(beginning(person, self.clock, device=device), organisation_id=organisation, **more)
            begun = await self.provider.parts.one_session.begin(tx, asked)
        assert isinstance(begun, Began)
        return begun.session.sid

    async def rows(self, statement: str, **values: object) -> list[Any]:
        async with self.database("owner").connect() as tx:
            return list((await tx.execute(text(statement), values)).all())

    async def outcomes(self) -> list[str]:
        """What came of each token that was taken, in order."""
        found = await self.rows("SELECT details->>'outcome' AS outcome FROM audit.record "
                                "WHERE kind = 'signal_received' ORDER BY id")  # fmt: skip
        return [row.outcome for row in found]


async def add_device(provider: Provider, person: UUID, clock: FakeClock) -> UUID:
    """A device of a person's that is known."""
    device = Device(
        id=uuid4(),
        user_id=person,
        trust="known",
        label="Chrome · Windows",
        sign_ins=3,
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    async with provider.parts.database.begin() as tx:
        await devices.meet(tx, device, uuid4().bytes * 2)
    return device.id


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Transmitters may stand on this machine."""
    return settings.model_copy(update={"outbound": OutboundSettings(private=("127.0.0.0/8",))})


@pytest.fixture
async def listening(provider: Provider, clock: FakeClock, database: OpenDatabase) -> AsyncIterator[Listening]:
    person = await provider.person()
    device = await add_device(provider, person, clock)
    port = free_port()
    async with transmitting(clock, token=TOKEN) as transmitter, served(provider.app, port):
        ident = uuid4()
        known = Known(
            id=ident,
            organisation_id=HOUSE,
            name="the other one",
            issuer=transmitter.issuer,
            jwks_uri=f"{transmitter.issuer}/jwks",
            audience=push_address(provider.parts.issuer, ident),
            delivery="push",
            poll_uri=None,
            token_digest=digest_of(TOKEN),
            sealed_authorization=None,
            status="enabled",
            effects=Effects(),
            version=1,
            created_at=clock.now(),
        )
        transmitter.audience = known.audience
        async with provider.parts.database.begin() as tx:
            await signal_transmitters.add(tx, known)
        found = Listening(provider, clock, database, transmitter, known, port, person, device, "")
        found.sid = await found.begin(person, device, amr=("pwd", "otp", "mfa"), acr="urn:munjigi:acr:2")
        yield found
