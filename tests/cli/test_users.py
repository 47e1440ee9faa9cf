"""`munjigi users`: a file is brought in once, compared, and taken out again, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from cli.failures import exit_status
from cli.main import app
from config.connections import open_database
from config.settings import Settings
from idp.credentials.password import PasswordPool
from idp.storage import directory, passwords
from tests.cli.test_clients import rows, told
from tests.cli.test_sessions import environment
from tests.idp.people import HOUSE, add_person

PEOPLE = [
    {"login_name": "Mina@Example.com", "display_name": "김민아", "email": "mina@example.com", "email_verified": True,
     "roles": ["customer"], "password_hash": "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"login_name": "jun", "locale": "en", "password_hash": "{SSHA}0H+zTv8o4MR4H43n03eCsvw1luG8LdB7"},
    {"login_name": "sora", "state": "locked", "password": "an open secret of sora"},
    {"login_name": "dan", "password_hash": "!"},
]  # fmt: skip
"""Kept, wrapped, hashed, and nobody's password."""


@pytest.fixture
def munjigi(settings: Settings) -> Callable[..., Result]:
    """Runs a command in an installation with an organisation that has one person."""

    async def begin() -> None:
        database = open_database(settings, "idp")
        async with database.begin() as tx:
            await add_person(tx, "boss")
        await database.dispose()

    asyncio.run(begin())
    return lambda *arguments: CliRunner().invoke(app, ["users", *arguments], env=environment(settings))


def written(path: Path, people: list[Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in people), encoding="utf-8")
    return path


def bring(munjigi: Callable[..., Result], path: Path, *more: str) -> dict[str, Any]:
    done: dict[str, Any] = told(munjigi("import", str(path), "--organisation", str(HOUSE), "--json", *more))
    return done


def failed(result: Result) -> tuple[int, str]:
    assert result.exception is not None, result.output
    return exit_status(result.exception)


def test_a_file_is_brought_in_once_compared_and_taken_out(
    munjigi: Callable[..., Result], settings: Settings, tmp_path: Path
) -> None:
    file = written(tmp_path / "people.jsonl", PEOPLE)
    kinds = {"bcrypt": {"kept": 1}, "ldap": {"wrapped": 1}, "plaintext": {"hashed": 1}}
    surveyed = bring(munjigi, file, "--dry-run")
    assert surveyed == {"batch": None, "read": 4, "created": 4, "unchanged": 0, "refused": 0, "passwords": kinds}
    assert rows(settings, "SELECT 1 FROM idp.import_batch") == []

    first = bring(munjigi, file, "--why", "the move")
    assert {**first, "batch": None} == surveyed
    again = bring(munjigi, file)
    assert again == {**first, "batch": None, "created": 0, "unchanged": 4, "passwords": {}}, "all of it is there"
    assert told(munjigi("imports", "--json"))["batch"] == first["batch"], "the only one"
    people = {
        row.name: row
        for row in rows(
            settings,
            "SELECT name, display_name, email, proven_email, locale, state, roles, hash FROM idp.login_name"
            " JOIN idp.user_account ON id = login_name.user_id JOIN idp.membership USING (user_id)"
            " LEFT JOIN idp.password USING (user_id)",
        )
    }
    mina, jun = people["mina@example.com"], people["jun"]
    assert (mina.display_name, mina.proven_email, mina.locale) == ("김민아", "mina@example.com", "ko")
    assert mina.hash == f"kept bcrypt {PEOPLE[0]['password_hash'][:29]} {PEOPLE[0]['password_hash'][29:]}"
    assert jun.hash.startswith("wrapped ldap sha1:ps:")
    assert "$argon2id$" in jun.hash
    assert people["sora"].hash.startswith("$argon2id$")
    assert people["sora"].state == "locked"
    assert people["dan"].hash is None
    assert (mina.roles, jun.roles) == (["customer"], [])
    records = rows(settings, "SELECT kind, actor, subject, details FROM audit.record ORDER BY id")
    acts = [(row.kind, row.details["act"], row.details["why"]) for row in records]
    assert acts[:2] == [("people_imported", "begun", "the move"), ("people_imported", "finished", "the move")]
    assert {row.subject for row in records[:2]} == {first["batch"]}

    found = told(munjigi("verify", str(file), "--json"))
    assert found["sound"]
    assert found["same"] == 4
    assert found["file"] == found["stored"]

    async def live() -> None:
        """Jun signs in, Mina is renamed, and somebody new has Dan's name in a newer export."""
        database, pool = open_database(settings, "idp"), PasswordPool(1, memory_cost=64, time_cost=1)
        async with database.begin() as tx:
            account = await directory.account_by_login_name(tx, "jun")
            assert account is not None
            stored = await passwords.password_hash(tx, account.id)
            verified = await pool.verify("secret", stored)
            assert verified.stronger_hash is not None
            await passwords.replace_hash(tx, account.id, str(stored), verified.stronger_hash)
            await tx.execute(
                text("INSERT INTO idp.device VALUES (gen_random_uuid(), :id, '\\x01', 'known', 'x', 1, now(), now())"),
                {"id": account.id},
            )
            await tx.execute(text("UPDATE idp.user_account SET display_name = 'Mina' WHERE display_name = '김민아'"))
        pool.close()
        await database.dispose()

    asyncio.run(live())
    newer = written(
        tmp_path / "newer.jsonl", [*PEOPLE[:3], {**PEOPLE[3], "display_name": "Dan"}, {"login_name": "eun"}]
    )
    result = munjigi("verify", str(newer), "--batch", first["batch"], "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) | {"file": 0, "stored": 0} == {
        "sound": False, "file": 0, "stored": 0, "same": 2, "signed_in": 1, "changed": 1, "differs": 1, "missing": 1,
        "not_in_file": 0, "refused": 0,
    }  # fmt: skip
    assert "line 1: mina@example.com: changed since: display_name" in result.stderr
    assert "line 4: dan: was imported with other data" in result.stderr
    assert "line 5: eun: is not there" in result.stderr

    result = munjigi("import", "--undo", first["batch"], "--why", "not yet", "--json")
    assert told(result) == {"batch": first["batch"], "removed": 3, "left": 1}
    assert "line 2: jun: has signed in" in result.stderr
    assert [row.name for row in rows(settings, "SELECT name FROM idp.login_name ORDER BY name")] == ["boss", "jun"]
    assert told(munjigi("import", "--undo", first["batch"], "--json"))["left"] == 1, "nothing is left to do"
    assert (
        rows(settings, "SELECT details FROM audit.record WHERE kind = 'people_import_undone'")[0].details["left"] == 1
    )
    assert failed(munjigi("verify", str(file)))[0] == 65, "it is undone"
    assert bring(munjigi, file)["created"] == 3, "whoever was taken out comes back under the same id"


def test_bad_lines_are_told_by_number_and_the_good_ones_kept_or_none(
    munjigi: Callable[..., Result], settings: Settings, tmp_path: Path
) -> None:
    people = [
        PEOPLE[1], {"login_name": ""}, {"login_name": "BOSS"}, {"login_name": "jun"}, PEOPLE[1],
        {"login_name": "eun", "roles": ["administrator"]}, {"login_name": "eun", "password_hash": "5f4dcc3b"},
        {"login_name": "eun", "phone": "1"}, {"login_name": "eun"}, [],
    ]  # fmt: skip
    file, report = written(tmp_path / "people.jsonl", people), tmp_path / "report.jsonl"
    with file.open("a", encoding="utf-8") as more:
        more.write('\n{"login_name": "haru", "password": "a secret that is not told\n')
    expected = [
        (2, "login_name: it is empty"), (3, "login_name: somebody has it already"), (4, "an earlier line has it"),
        (6, "administrators are made one by one"), (7, "password_hash: a hash of no scheme that is known"),
        (8, "unknown field phone"), (10, "Expected object"), (12, "the line is no JSON object"),
    ]  # fmt: skip
    for mode in ("--dry-run", "--all-or-nothing"):
        result = munjigi("import", str(file), "--organisation", str(HOUSE), "--json", mode, "--report", str(report))
        assert result.exit_code == (65 if mode == "--all-or-nothing" else 0)
        assert json.loads(result.stdout) | {"passwords": 0} == {
            "batch": None, "read": 11, "created": 2, "unchanged": 1, "refused": 8, "passwords": 0,
        }  # fmt: skip
        said = [json.loads(line) for line in report.read_text().splitlines()]
        assert [one["line"] for one in said] == [line for line, _ in expected]
        assert all(words in one["what"] for one, (_, words) in zip(said, expected, strict=True)), said
        assert "a secret that is not told" not in report.read_text()
    assert len(rows(settings, "SELECT 1 FROM idp.login_name")) == 1, "nobody was kept"
    done = bring(munjigi, file)
    assert (done["created"], done["unchanged"], done["refused"]) == (2, 1, 8)
    kept = rows(settings, "SELECT line, what FROM idp.import_fault ORDER BY line")
    assert [(row.line, row.what) for row in kept] == [(one["line"], one["what"]) for one in said]


def test_what_cannot_be_read_or_found_is_told(munjigi: Callable[..., Result], tmp_path: Path) -> None:
    file = written(tmp_path / "people.txt", PEOPLE)
    there = ("--organisation", str(HOUSE))
    assert failed(munjigi("import", str(file), *there))[0] == 65
    assert munjigi("import", str(file), *there, "--format", "xml").exit_code == 2
    assert munjigi("import", str(file)).exit_code == 2
    assert munjigi("import", "nowhere.csv", *there).exit_code == 2
    named = ("--format", "jsonl", "--scheme", "rot13")
    assert "no scheme 'rot13'" in failed(munjigi("import", str(file), *there, *named))[1]
    nobody = "5b1d2f0c-6c0e-4c52-9a55-0d6f3c3d7a09"
    assert "no organisation" in failed(munjigi("import", str(file), "--format", "jsonl", "--organisation", nobody))[1]
    assert "no batch" in failed(munjigi("import", "--undo", nobody))[1]
