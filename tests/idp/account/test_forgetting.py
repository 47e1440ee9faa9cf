"""One remembered browser is forgotten by itself: its device, the session and the others stay."""

from __future__ import annotations

import re
from uuid import uuid4

from idp.credentials.remembered import new_remembered
from idp.storage import remembered
from tests.idp.account.conftest import Arrive


async def test_one_browser_is_forgotten_without_its_device(arrive: Arrive) -> None:
    mina, jun = await arrive(), await arrive("jun")
    parts = mina.provider.parts
    for someone in (mina, jun):
        session = await someone.session()
        assert session is not None
        assert session.visitor.device_id is not None
        async with parts.database.begin() as tx:
            kept = new_remembered(uuid4(), someone.id, session.visitor.device_id, "A" * 43, parts.clock.now())
            await remembered.remember(tx, kept)
    page = await mina.get("/account/devices")
    (series,) = re.findall(r'name="series" value="([^"]+)"', page.text)
    assert "until " in page.text
    assert (await jun.post("/account/devices/forget", series=series)).status_code == 404, "another's is nobody's"
    gone = await mina.post("/account/devices/forget", series=series)
    assert "This browser is forgotten." in gone.text
    assert "this device" in gone.text
    assert await mina.session() is not None
    async with parts.database.connect() as tx:
        assert await remembered.remembered_of(tx, mina.id, parts.clock.now()) == []
        assert len(await remembered.remembered_of(tx, jun.id, parts.clock.now())) == 1
    assert (await mina.post("/account/devices/forget", series=series)).status_code == 404
