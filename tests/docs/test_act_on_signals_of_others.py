"""As `docs/how-to/act-on-signals-of-others.md` shows: an organisation listens, and acts once on what is pushed."""

from __future__ import annotations

import re
from typing import Any, get_args

import httpx2
import pytest
from sqlalchemy import text

from idp.sessions.received.security_event import Err, EventKind
from jose.assertion import HEADER
from tests.docs.test_examples import PROJECT, defined_by
from tests.house import free_port
from tests.idp.administration.conftest import House, house
from tests.idp.conftest import OpenDatabase, provider
from tests.idp.people import HOUSE
from tests.idp.provider import Provider
from tests.idp.signals.listening import add_device, settings
from tests.idp.signals.transmitter import served, transmitting

__all__ = ["house", "provider", "settings"]

PAGE = PROJECT / "docs" / "how-to" / "act-on-signals-of-others.md"


@pytest.fixture
def page() -> dict[str, Any]:
    """What the page's blocks define."""
    return defined_by(PAGE)


async def test_what_is_pushed_is_acted_on_once(
    page: dict[str, Any], house: House, provider: Provider, database: OpenDatabase
) -> None:
    port = free_port()
    token = house.signer.sign("administration", house.subject(house.boss), zone="admin", now=house.clock.timestamp())
    house.client.headers[HEADER] = token
    device = await add_device(provider, house.mina.id, house.clock)
    async with transmitting(house.clock) as manager, served(provider.app, port):
        address, audience, shown = await page["listen"](house.client, str(HOUSE), manager.issuer)
        assert address == audience
        assert address.startswith(f"{provider.parts.issuer}/signals/receive/")
        manager.audience = audience
        here = address.replace(provider.parts.issuer, f"http://127.0.0.1:{port}")
        async with httpx2.AsyncClient(trust_env=False) as http:
            unsafe = manager.token_of(
                manager.claims(
                    EventKind.DEVICE_COMPLIANCE_CHANGE,
                    {"previous_status": "compliant", "current_status": "not-compliant"},
                    {"format": "complex", "device": {"format": "opaque", "id": str(device)}},
                )
            )
            assert await page["push"](http, here, shown, unsafe) == ""
            revoked = manager.revoked({"format": "email", "email": "mina@mail.example"})
            for _ in range(2):
                assert await page["push"](http, here, shown, revoked) == ""
            assert await page["push"](http, here, "another", revoked) == "authentication_failed"
            assert await page["push"](http, here, shown, "nonsense") == "invalid_request"
    async with database("owner").connect() as tx:
        ended = (await tx.execute(text("SELECT sid, end_reason FROM idp.session"))).one()
        taken = (await tx.execute(text("SELECT outcome FROM idp.signal_received"))).scalars().all()
    assert (ended.sid, ended.end_reason) == (house.session.sid, "response")
    assert taken == ["acted", "acted"]


def test_every_code_is_on_the_page() -> None:
    table = PAGE.read_text(encoding="utf-8").split("| `err` |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z]+_[a-z]+)`", table)) == set(get_args(Err))
