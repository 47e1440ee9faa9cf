"""People sign in while files are brought in: nobody is refused who should get in, and hashes become today's by it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import bcrypt
import pytest
from sqlalchemy import text

from config.settings import Settings
from idp.every_import import every_import
from idp.importing.asked import Asked
from tests.idp.importing.test_interrupted import Databases
from tests.idp.login_pages.test_sign_in import app, open_sign_in, submit
from tests.idp.people import HOUSE, add_person
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]

OLD = (
    ("U*U", "", "bcrypt"),
    ("secret", "{SSHA}0H+zTv8o4MR4H43n03eCsvw1luG8LdB7", "ldap"),
    ("not a password", "pbkdf2_sha256$10000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs=", "django"),
    ("test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "phpass"),
)


def people(count: int) -> list[tuple[str, str, str]]:
    """Names, passwords, hashes: some kept, most wrapped."""
    kept = bcrypt.hashpw(OLD[0][0].encode(), bcrypt.gensalt(10)).decode()
    chosen = [OLD[number % len(OLD)] for number in range(count)]
    return [(f"p{number}", password, hashed or kept) for number, (password, hashed, _) in enumerate(chosen)]


async def get_in(provider: Provider, app: App, name: str, password: str) -> None:
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app), name, password)
    assert browser.address.startswith(CALLBACK), f"{name}: {page.status_code} {browser.address}"


AT_ONCE = 12
"""People who sign in at the same moment, as many as a node's connections bear: whoever comes beyond them is asked to
come again in a moment, which says nothing of their password."""


async def migrated(provider: Provider, app: App, database: Databases, folder: Path, count: int) -> list[float]:
    """Half of the people are there and sign in while the other half is brought in; seconds that each took."""
    known, taken, gate = people(count), list[float](), asyncio.Semaphore(AT_ONCE)
    async with database("idp").begin() as tx:
        await add_person(tx, "boss")
    halves = (known[: count // 2], known[count // 2 :])
    for number, half in enumerate(halves):
        lines = (json.dumps({"login_name": name, "password_hash": hashed}) + "\n" for name, _, hashed in half)
        (folder / f"{number}.jsonl").write_text("".join(lines), encoding="utf-8")
    settings: Settings = provider.parts.settings

    async def bring(number: int) -> None:
        async with every_import(settings) as every:
            asked = Asked(path=folder / f"{number}.jsonl", format="jsonl", organisation_id=HOUSE)
            done = await every.bring(asked, "", lambda *_: None, lambda *_: None)
            assert done.counts.created == len(halves[number])

    async def come(name: str, password: str) -> None:
        async with gate:
            begun = time.perf_counter()
            await get_in(provider, app, name, password)
            taken.append(time.perf_counter() - begun)

    await bring(0)
    async with asyncio.timeout(900), asyncio.TaskGroup() as all_of_it:
        all_of_it.create_task(bring(1))
        for name, password, _ in halves[0]:
            all_of_it.create_task(come(name, password))
    async with asyncio.timeout(900), asyncio.TaskGroup() as all_of_it:
        for name, password, _ in halves[1]:
            all_of_it.create_task(come(name, password))
    async with database("owner").connect() as tx:
        left = await tx.scalar(text("SELECT count(*) FROM idp.password WHERE hash NOT LIKE '$argon2id$%'"))
        refused = await tx.scalar(text("SELECT count(*) FROM audit.record WHERE kind = 'sign_in_failed'"))
    assert (left, refused) == (0, 0)
    return taken


async def test_everybody_gets_in(provider: Provider, app: App, database: Databases, tmp_path: Path) -> None:
    await migrated(provider, app, database, tmp_path, 8)


@pytest.mark.proof
async def test_hundreds_get_in(provider: Provider, app: App, database: Databases, tmp_path: Path) -> None:
    taken = sorted(await migrated(provider, app, database, tmp_path, 400))
    print(f"{len(taken)} got in: {taken[len(taken) // 2]:.2f} s, the slowest {taken[-1]:.2f} s")  # noqa: T201


async def test_who_comes_twice_at_once_gets_in_twice(
    provider: Provider, app: App, database: Databases, tmp_path: Path
) -> None:
    """Both compare with the old hash; only one of them can replace it."""
    async with database("idp").begin() as tx:
        await add_person(tx, "boss")
    (tmp_path / "one.csv").write_text(f"login_name,password_hash\njun,{OLD[1][1]}\n", encoding="utf-8")
    async with every_import(provider.parts.settings) as every:
        asked = Asked(path=tmp_path / "one.csv", format="csv", organisation_id=HOUSE)
        await every.bring(asked, "", lambda *_: None, lambda *_: None)
    browsers = [provider.browser() for _ in range(4)]
    pages = [await open_sign_in(browser, app) for browser in browsers]
    async with asyncio.timeout(60):
        found = await asyncio.gather(
            *(submit(browser, page, "jun", "secret") for browser, page in zip(browsers, pages, strict=True))
        )
    assert not [page.status_code for page in found if page.status_code == 422], "a right password was called wrong"
    async with database("owner").connect() as tx:
        kinds = list((await tx.execute(text("SELECT kind FROM audit.record WHERE kind LIKE 'sign_in_%'"))).scalars())
    assert kinds.count("sign_in_succeeded") == 4
    assert "sign_in_failed" not in kinds
