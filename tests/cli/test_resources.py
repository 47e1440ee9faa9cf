"""`munjigi resources`: APIs are described at the terminal as by the admin API, with the same record of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.failures import exit_status
from cli.main import app
from config.settings import Settings
from tests.cli.test_clients import rows, told
from tests.cli.test_sessions import environment

API = "https://orders.example/api"
WORDS = {"ko": "내 주문 보기", "en": "see your orders"}
FILE: dict[str, Any] = {
    "identifier": API,
    "name": {"ko": "주문", "en": "Orders"},
    "scopes": [{"name": "orders.read", "words": WORDS, "for_programs": False}],
    "access_token_lifetime": 60,
}


@pytest.fixture
def munjigi(settings: Settings, tmp_path: Path) -> Callable[..., Result]:
    """Runs a command; what is given as `file` is written to one."""

    def run(*arguments: str, file: object = None, **more: str) -> Result:
        given: list[str] = []
        if file is not None:
            path = tmp_path / "resource.json"
            path.write_text(json.dumps(file), encoding="utf-8")
            given = ["--file", str(path)]
        return CliRunner().invoke(app, [*arguments, *given], env={**environment(settings), **more})

    return run


def failed(result: Result) -> tuple[int, str]:
    assert result.exception is not None, result.output
    return exit_status(result.exception)


def test_one_is_added_once_shown_changed_and_removed(munjigi: Callable[..., Result], settings: Settings) -> None:
    first = told(munjigi("resources", "add", "--json", "--why", "partners", file=FILE))
    assert told(munjigi("resources", "add", "--json", file=FILE)) == first, "it is there already"
    assert told(munjigi("resources", "show", API, "--json")) == first
    assert told(munjigi("resources", "list", "--json")) == first
    assert (first["version"], first["access_token_lifetime"], first["organisation_id"]) == (1, 60, None)
    assert first["scopes"] == [{**FILE["scopes"][0], "for_people": True}]
    assert "orders.read" in munjigi("resources", "list").output
    assert "access_token_lifetime: 60" in munjigi("resources", "show", API).output
    otherwise = failed(munjigi("resources", "add", file={**FILE, "scopes": []}))
    assert otherwise == (65, f"{API} is there already, otherwise; see `munjigi resources change`")

    changed = told(munjigi("resources", "change", API, "--json", file={**first, "access_token_lifetime": None}))
    assert (changed["version"], changed["access_token_lifetime"]) == (2, None)
    assert told(munjigi("resources", "change", API, "--json", file=changed)) == changed, "nothing is left to change"
    assert "version 2" in failed(munjigi("resources", "change", API, file=first))[1]
    assert munjigi("resources", "change", API, file={**FILE, "identifier": "https://x.example/"}).exit_code == 2

    assert munjigi("resources", "remove", API).exit_code == 1, "nobody said yes"
    assert "removed" in munjigi("resources", "remove", API, "--yes").output
    assert "there was none" in munjigi("resources", "remove", API, "--yes").output
    records = rows(settings, "SELECT kind, actor, subject, details FROM audit.record ORDER BY id")
    assert {(row.kind, row.actor, row.subject) for row in records} == {("resource_changed", "operator", first["id"])}
    assert [row.details["act"] for row in records] == ["added", "changed", "removed"]
    assert records[0].details == {"why": "partners", "act": "added", "identifier": API}
    assert len(rows(settings, "SELECT 1 FROM events.outbox WHERE topic = 'resource'")) == 3


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"identifier": "orders"}, "identifier"),
        ({"access_token_lifetime": 301}, "10 to 300 seconds"),
        ({"organisation_id": "5b1d2f0c-6c0e-4c52-9a55-0d6f3c3d7a09"}, "there is no organisation"),
        ({"scopes": [{"name": "openid", "words": WORDS}]}, "openid is described by the house"),
    ],
)
def test_what_cannot_be_is_told(
    munjigi: Callable[..., Result], settings: Settings, changed: dict[str, object], words: str
) -> None:
    status, said = failed(munjigi("resources", "add", file={**FILE, **changed}))
    assert status == 65
    assert words in said
    assert rows(settings, "SELECT * FROM idp.resource_server") == []


def test_a_scope_is_of_one_alone(munjigi: Callable[..., Result], settings: Settings) -> None:
    told(munjigi("resources", "add", "--json", file=FILE))
    status, said = failed(munjigi("resources", "add", file={**FILE, "identifier": "https://x.example/"}))
    assert (status, said) == (65, "scopes: orders.read is of another API")
    assert len(rows(settings, "SELECT * FROM idp.resource_server")) == 1
    assert failed(munjigi("resources", "show", "https://x.example/"))[0] == 65


def test_a_file_that_is_none(munjigi: Callable[..., Result]) -> None:
    for file in ([], "x", {**FILE, "unknown": 1}, {**FILE, "identifier": None}, {**FILE, "access_token_lifetime": 1}):
        assert munjigi("resources", "add", file=file).exit_code == 2


def test_under_strict_clients_name_what_is_described_alone(munjigi: Callable[..., Result], settings: Settings) -> None:
    strict = {"MUNJIGI_IDP__REQUIRE_DESCRIBED_RESOURCES": "true"}
    told(munjigi("resources", "add", "--json", file=FILE))
    client = {"client_id": "shop", "redirect_uris": ["https://shop.example/callback"], "resources": [API]}
    unknown = failed(munjigi("clients", "add", file={**client, "scope": "openid orders.read stock"}, **strict))
    assert unknown == (65, "invalid_client_metadata: scope: nobody has described stock")
    elsewhere = {**client, "resources": [API, "https://x.example/"]}
    assert (
        "resources: nobody has described https://x.example/"
        in failed(munjigi("clients", "add", file=elsewhere, **strict))[1]
    )
    assert rows(settings, "SELECT * FROM idp.client") == []
    kept = told(munjigi("clients", "add", "--json", file={**client, "scope": "openid orders.read"}, **strict))
    assert kept["scope"] == "openid orders.read"
    changed = failed(munjigi("clients", "change", "shop", file={**client, "scope": "stock"}, **strict))
    assert changed == (65, "invalid_client_metadata: scope: nobody has described stock")
