"""The API over real engines, spoken to as the gateway speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.engines import Role
from config.settings import Settings
from idp.administration.app import SERVICE, application
from idp.directory.account import Account, Organisation
from idp.factors.metadata import SIGNER
from idp.factors.metadata_file import MetadataFile
from idp.sessions.one_session import Began
from idp.sessions.session import Session
from idp.storage import directory
from jose.assertion import AssertionSigner, Subject
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from tests.clock import FakeClock
from tests.idp.makers import Maker, MetadataService
from tests.idp.people import BEGUN, HOUSE, add_person, beginning, one_session

MAKER, MDS = Maker("2fc0579f-8113-47ea-b116-bb5a8db9202a"), MetadataService()
OTHER = UUID("00000000-0000-4000-8000-0000000000bb")
Databases = Callable[[Role], Database]


@dataclass
class Models:
    """What is known of models of passkeys, by documents of a service of the tests."""

    folder: Path
    file: MetadataFile

    async def publish(self, document: bytes) -> None:
        beside = self.folder / "blob.new"
        beside.write_bytes(document)
        beside.replace(self.folder / "blob.jwt")
        await self.file.look()
        assert self.file.refused == ""


@dataclass
class House:
    """An administrator, a customer with a session, and the API."""

    client: httpx2.AsyncClient
    signer: AssertionSigner
    database: Databases
    clock: FakeClock
    models: Models
    boss: Account
    mina: Account
    session: Session

    def subject(self, who: Account, *roles: str, sid: str = "s" * 22, org: UUID = HOUSE) -> Subject:
        return Subject(
            sid=sid,
            sub=str(who.id),
            org=str(org),
            roles=roles or ("administrator",),
            acr="urn:munjigi:acr:2",
            auth_time=self.clock.timestamp(),
        )

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        who: Subject | None = None,
        upstream: str = SERVICE,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        subject = who or self.subject(self.boss)
        token = self.signer.sign(upstream, subject, zone="admin", now=self.clock.timestamp())
        return await self.client.request(
            method,
            f"/api/identity{path}",
            headers={"Munjigi-Assertion": token, **(headers or {})},
            **({} if body is None else {"json": body}),
        )

    async def got(self, path: str, **more: Any) -> Any:
        answer = await self("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def add(self, name: str, *, roles: tuple[str, ...] = ("customer",)) -> Account:
        async with self.database("idp").begin() as tx:
            return await add_person(tx, name, roles=roles)

    async def join_other(self, who: Account, *roles: str) -> None:
        """Make somebody a member of another organisation."""
        async with self.database("idp").begin() as tx:
            other = Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None)
            await directory.put_organisation(tx, other, BEGUN)
            await directory.put_membership(tx, who.id, OTHER, roles, BEGUN)

    async def begin(self, who: Account) -> Session:
        async with self.database("idp").begin() as tx:
            began = await one_session(self.clock).begin(tx, beginning(who.id, self.clock))
        assert isinstance(began, Began)
        return began.session

    async def rows(self, statement: str, **values: object) -> list[Any]:
        async with self.database("owner").connect() as tx:
            return list(await tx.execute(text(statement), values))

    async def audited(self, kind: str) -> list[Any]:
        return await self.rows("SELECT * FROM audit.record WHERE kind = :kind ORDER BY id", kind=kind)


async def known_models(folder: Path, clock: FakeClock) -> Models:
    """One, certified at the second level."""
    (folder / "roots.pem").write_bytes(MDS.root.pem)
    found = Models(folder, MetadataFile(folder / "blob.jwt", roots=folder / "roots.pem", signer=SIGNER, clock=clock))
    await found.publish(MDS.document(MAKER.entry(("FIDO_CERTIFIED_L2", "2025-01-01"))))
    return found


@pytest.fixture
async def house(
    settings: Settings, database: Databases, valkey: Valkey, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[House]:
    models = await known_models(tmp_path, clock)
    envelope = Envelope.load(settings)
    keys = SigningKeys(envelope)
    async with database("gateway").begin() as tx:
        ring = await keys.ensure_active(tx, "assertion", clock.now())
    entrance = await Entrance.open(SERVICE, database("idp"), keys.assertion_keys, clock)
    app = application(settings, database("idp"), valkey, envelope, clock, SystemEntropy(), models=models.file)
    transport = httpx2.ASGITransport(entrance.around(app))
    async with database("idp").begin() as tx:
        boss = await add_person(tx, "boss", roles=("administrator",))
        mina = await add_person(tx, "mina")
    async with httpx2.AsyncClient(transport=transport, base_url="http://console.localhost:8080") as client:
        house = House(client, AssertionSigner(ring), database, clock, models, boss, mina, None)  # type: ignore[arg-type] # next
        house.session = await house.begin(mina)
        yield house
