"""Imports by the API: shown within the caller's organisations, and taken out again in steps, on record."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from config.settings import Settings
from idp.every_import import every_import
from idp.importing import importer
from idp.importing.asked import Asked
from tests.idp.administration.conftest import OTHER, House
from tests.idp.people import HOUSE

WHY = "it was the wrong file"


async def bring(settings: Settings, folder: Path, lines: str, name: str = "people.csv") -> None:
    path = folder / name
    path.write_text(lines, encoding="utf-8")
    async with every_import(settings) as every:
        asked = Asked(path=path, format="csv", organisation_id=HOUSE)
        await every.bring(asked, "the move", lambda *_: None, lambda *_: None)


async def test_they_are_listed_shown_and_taken_out(
    house: House, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = "login_name,email\n" + "".join(f"p{number},\n" for number in range(3)) + "mina,\nx,nobody\n"
    await bring(settings, tmp_path, people)
    await bring(settings, tmp_path, "login_name\nlast\n", "second.csv")
    first_page = await house.got("/imports?limit=1")
    assert [one["file"] for one in first_page["imports"]] == ["second.csv"]
    [batch] = (await house.got(f"/imports?limit=1&after={first_page['next']}"))["imports"]
    assert (batch["file"], batch["state"], batch["created"], batch["refused"]) == ("people.csv", "finished", 3, 2)
    assert await house.got(f"/imports/{batch['id']}") == batch
    faults = await house.got(f"/imports/{batch['id']}/faults?limit=1")
    assert [one["line"] for one in faults["faults"]] == [5]
    more = await house.got(f"/imports/{batch['id']}/faults?after={faults['next']}")
    assert more == {"faults": [{"line": 6, "what": "email: it is no mail address"}], "next": None}

    async with house.database("owner").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.device SELECT gen_random_uuid(), user_id, '\\x01', 'known', 'x', 1, now(), now()"
                " FROM idp.login_name WHERE name = 'p1'"
            )
        )
    monkeypatch.setattr(importer, "CHUNK", 4)
    taken = (await house("POST", f"/imports/{batch['id']}/undo", {"why": WHY})).json()
    assert taken == {"removed": 1, "left": 1, "next": 3}
    taken = (await house("POST", f"/imports/{batch['id']}/undo", {"why": WHY, "after": 3})).json()
    assert taken == {"removed": 1, "left": 0, "next": 4}
    taken = (await house("POST", f"/imports/{batch['id']}/undo", {"why": WHY, "after": 4})).json()
    assert taken == {"removed": 0, "left": 0, "next": None}
    shown = await house.got(f"/imports/{batch['id']}")
    assert (shown["state"], shown["removed"]) == ("undone", 2)
    left = await house.rows("SELECT name FROM idp.login_name WHERE name LIKE 'p_'")
    assert [row.name for row in left] == ["p1"]
    records = await house.rows("SELECT actor, details FROM audit.record WHERE kind = 'people_import_undone'")
    assert [row.details["removed"] for row in records] == [1, 1, 0]
    assert {row.actor for row in records} == {str(house.boss.id)}


async def test_others_see_nothing_of_them(house: House, settings: Settings, tmp_path: Path) -> None:
    await bring(settings, tmp_path, "login_name\nlast\n")
    [batch] = (await house.got("/imports"))["imports"]
    stranger = await house.add("stranger", roles=())
    await house.join_other(stranger, "administrator")
    who = house.subject(stranger, org=OTHER)
    assert (await house.got("/imports", who=who))["imports"] == []
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/faults", None),
        ("POST", "/undo", {"why": WHY}),
    ):
        assert (await house(method, f"/imports/{batch['id']}{path}", body, who=who)).status_code == 404
    async with house.database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.import_batch SET state = 'running'"))
    refused = await house("POST", f"/imports/{batch['id']}/undo", {"why": WHY})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-070")
    assert (await house("GET", "/imports?after=x")).status_code == 422
    assert (await house("GET", f"/imports/{batch['id']}/faults?after=x")).status_code == 422
