"""The routes of `docs/how-to/limit-rates.md` are taken up, and mean what the page says."""

from __future__ import annotations

from pathlib import Path

from config.sections.gateway import GatewaySettings
from gateway.limits.overload import BUSY, FEW, HELD, INTERVAL, Priority
from gateway.limits.rate import Per
from gateway.limits.refusal import PAGES_A_SECOND
from gateway.routes.route_file import load_route_table
from tests.docs.test_examples import PROJECT, blocks

PAGE = PROJECT / "docs" / "how-to" / "limit-rates.md"


def test_its_routes_are_taken_up(tmp_path: Path) -> None:
    ((_, routes),) = blocks(PAGE, "toml")
    file = tmp_path / "routes.toml"
    file.write_text((PROJECT / "config" / "shipped" / "routes.toml").read_text(encoding="utf-8") + routes)
    table = load_route_table(file, runtime=tmp_path, port=8080)
    entries = table.find(b"ledger.localhost", b"/entries")
    reports = table.find(b"ledger.localhost", b"/reports/1")
    assert entries is not None
    assert reports is not None
    assert [(rate.per, rate.burst) for rate in entries.rates] == [(Per.PERSON, 20), (Per.ADDRESS, 600)]
    assert [rate.per for rate in reports.rates] == [Per.PERSON, Per.ADDRESS, Per.CLIENT, Per.ROUTE]
    assert reports.rates[0] == entries.rates[0], "the zone's routes share it"
    assert (entries.priority, reports.priority) == (Priority.HIGH, Priority.LOW)


def test_its_numbers_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"at most {PAGES_A_SECOND} a second" in text
    said = " ".join(text.split())
    late = GatewaySettings().shed_above * 1000
    assert f"Where half of the looks in {INTERVAL * 1000:.0f} ms" in said
    assert f"`MUNJIGI_GATEWAY__SHED_ABOVE` ({late:.0f} ms)" in said
    assert (BUSY, FEW, HELD) == (0.9, 0.01, 0.5), "nine tenths of that time, more than a hundredth, half of the looks"
