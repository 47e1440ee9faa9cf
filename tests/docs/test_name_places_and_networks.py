"""The databases that `docs/how-to/name-places-and-networks.md` sets are read at the start, and place a session."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from config.connections import Valkey
from config.places import Place, Places
from config.settings import Settings, WrongSettings, load_settings
from tests.clock import FakeClock
from tests.config.mmdb import written_database
from tests.docs.test_examples import PROJECT, blocks, defined_by
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import running_provider

PAGE = PROJECT / "docs" / "how-to" / "name-places-and-networks.md"
COUNTRIES, NETWORKS = "GeoLite2-Country.mmdb", "GeoLite2-ASN.mmdb"
NOBODYS = "203.0.113.9"
"""An address that no registry gives to anybody (RFC 5737): only the databases written here place it."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An operator's databases, by the names of the page."""
    written_database(tmp_path / COUNTRIES, {"country": {"iso_code": "KR"}})
    written_database(tmp_path / NETWORKS, {"autonomous_system_organization": "Korea Telecom"})
    return tmp_path


def as_the_page_says(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Settings:
    """The settings of the page's block, with that folder for its own."""
    [(_, block)] = blocks(PAGE, "")
    lines = [line.partition("=") for line in block.splitlines()]
    assert [Path(value).name for _, _, value in lines] == [COUNTRIES, NETWORKS]
    for name, _, value in lines:
        monkeypatch.setenv(name, str(folder / Path(value).name))
    return load_settings()


def test_what_it_tries_holds_with_what_ships() -> None:
    assert isinstance(defined_by(PAGE)["places"], Places)


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_session_is_where_the_operators_databases_say(
    settings: Settings,
    database: OpenDatabase,
    valkey: Valkey,
    clock: FakeClock,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    compressed: bool,
) -> None:
    place = as_the_page_says(monkeypatch, folder).place
    if compressed:
        for name in (COUNTRIES, NETWORKS):
            (folder / f"{name}.xz").write_bytes(lzma.compress((folder / name).read_bytes()))
            (folder / name).unlink()
        place = place.model_copy(
            update={"countries": folder / f"{COUNTRIES}.xz", "networks": folder / f"{NETWORKS}.xz"}
        )
    placed = settings.model_copy(update={"place": place})
    async with running_provider(placed, database("idp"), valkey, clock) as provider:
        app, user = await provider.register(), await provider.person()
        await provider.sign_in(provider.browser(NOBODYS), app, user)
        async with provider.parts.database.connect() as tx:
            live = await provider.parts.arrivals.live(tx, user, clock.now())
    assert live is not None
    assert Place(live.visitor.place, live.visitor.network) == Place("KR", "Korea Telecom")


@pytest.mark.parametrize(
    ("wrong", "setting"), [(COUNTRIES, "MUNJIGI_PLACE__COUNTRIES"), (NETWORKS, "MUNJIGI_PLACE__NETWORKS")]
)
@pytest.mark.parametrize("how", ["missing", "broken", "of the other kind"])
async def test_a_file_that_cannot_be_used_refuses_the_start(
    settings: Settings,
    database: OpenDatabase,
    valkey: Valkey,
    clock: FakeClock,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: str,
    setting: str,
    how: str,
) -> None:
    place = as_the_page_says(monkeypatch, folder).place
    file, other = folder / wrong, folder / (NETWORKS if wrong == COUNTRIES else COUNTRIES)
    match how:
        case "missing":
            file.unlink()
        case "broken":
            file.write_bytes(file.read_bytes()[:40])
        case _:
            file.write_bytes(other.read_bytes())
    with pytest.raises(WrongSettings, match=f"{setting}: "):
        async with running_provider(settings.model_copy(update={"place": place}), database("idp"), valkey, clock):
            pass
