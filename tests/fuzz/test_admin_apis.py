"""Both admin APIs, by the descriptions that they give of themselves, asked by an administrator."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from config.clock import SystemClock
from config.connections import open_database
from config.envelope import Envelope
from config.settings import Settings
from idp.administration import app as identity
from jose.assertion import AssertionSigner, Subject
from jose.keys import KeyRing
from jose.storage.keys import SigningKeys
from policy import demo
from policy.admin import app as policy
from tests.fuzz.conformance import LONG, QUICK, ask_everything
from tests.fuzz.serving import served
from tests.idp.people import HOUSE, add_person, beginning, one_session

ORIGIN = "http://console.localhost:8080"
SID = "s" * 22


class Administrator:
    """Speaks as the gateway does for somebody who has just proved two factors."""

    def __init__(self, ring: KeyRing, upstream: str, sub: str, org: str) -> None:
        self._signer = AssertionSigner(ring)
        self._upstream = upstream
        self._sub = sub
        self._org = org

    def __call__(self, path: str) -> Mapping[str, str]:
        now = SystemClock().timestamp()
        subject = Subject(
            sid=SID, sub=self._sub, org=self._org, roles=("administrator",), acr="urn:munjigi:acr:2", auth_time=now
        )
        return {"Munjigi-Assertion": self._signer.sign(self._upstream, subject, zone="admin", now=now)}


async def _assertion_keys(settings: Settings) -> KeyRing:
    database = open_database(settings, "gateway")
    try:
        async with database.begin() as tx:
            return await SigningKeys(Envelope.load(settings)).ensure_active(tx, "assertion", datetime.now(UTC))
    finally:
        await database.dispose()


@pytest.fixture
async def boss_and_mina(settings: Settings) -> tuple[str, str, str]:
    """Ids of an administrator, of a customer, and of that customer's session."""
    clock = SystemClock()
    database = open_database(settings, "idp")
    try:
        async with database.begin() as tx:
            boss = await add_person(tx, "boss", roles=("administrator",))
            mina = await add_person(tx, "mina")
            began = await one_session(clock).begin(tx, beginning(mina.id, clock))
    finally:
        await database.dispose()
    return str(boss.id), str(mina.id), began.session.sid


@pytest.fixture
async def ring(settings: Settings) -> KeyRing:
    await demo.load(settings)
    return await _assertion_keys(settings)


@pytest.mark.parametrize("examples", [QUICK, LONG])
def test_identity(settings: Settings, ring: KeyRing, boss_and_mina: tuple[str, str, str], examples: int) -> None:
    boss, mina, sid = boss_and_mina
    speaks = Administrator(ring, identity.SERVICE, boss, str(HOUSE))
    known = {"user_id": mina, "organisation_id": str(HOUSE), "sid": sid, "version": 1, "organisation": str(HOUSE)}
    with served(identity.serve, settings, settings.upstream_socket(identity.SERVICE), ORIGIN) as client:
        document = client.get("/api/identity/openapi.json", headers=speaks("")).json()
        assert ask_everything(document, client, known, speaks, examples) > examples


@pytest.mark.parametrize("examples", [QUICK, LONG])
def test_policy(settings: Settings, ring: KeyRing, examples: int) -> None:
    speaks = Administrator(ring, policy.SERVICE, "u-admin", str(settings.policy.operator))
    preconditions = itertools.cycle(({}, {"If-Match": "*"}))

    def headers(path: str) -> Mapping[str, str]:
        """Half of the changes of a draft are of the one that is there."""
        return {**speaks(path), **(next(preconditions) if "{number}" in path else {})}

    with served(policy.serve, settings, settings.upstream_socket(policy.SERVICE), ORIGIN) as client:
        document = client.get("/api/policy/openapi.json", headers=speaks("")).json()
        published = client.get("/api/policy/current", headers=speaks("")).json()
        drafted = {"why": "to be changed", "rules": published["rules"]}
        made = client.post("/api/policy/drafts", headers=speaks(""), json=drafted).json()
        known = {"number": made["version"]["number"], "id": "shop.read", "to": 1, "version": 1, "why": "a test"}
        assert ask_everything(document, client, known, headers, examples) > examples
