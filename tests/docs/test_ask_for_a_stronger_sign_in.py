"""The demands of `docs/how-to/ask-for-a-stronger-sign-in.md` stand on its route, and are challenged as it shows."""

from __future__ import annotations

from pathlib import Path

from gateway.decision.enforcement import STEP_UP_NEEDED, challenge
from gateway.routes.route_file import load_route_table
from gateway.routes.route_table import Route
from gateway.step_up.demand import ACR, unmet
from policy.decision import StepUp
from tests.docs.test_examples import PROJECT, blocks

PAGE = PROJECT / "docs" / "how-to" / "ask-for-a-stronger-sign-in.md"
ZONE = (
    '[zones.ledger]\nstore_away = "strict"\nexpired_tokens = 0\n\n[upstreams.ledger]\nsocket = "/run/ledger.sock"\n\n'
)


def entries(folder: Path) -> Route:
    """The page's route."""
    ((_, route),) = blocks(PAGE, "toml")
    file = folder / "routes.toml"
    file.write_text(ZONE + route, encoding="utf-8")
    found = load_route_table(file, runtime=folder, port=8080).find(b"ledger.localhost", b"/entries/7/close")
    assert found is not None
    return found


def test_what_it_demands_is_what_is_asked(tmp_path: Path) -> None:
    route = entries(tmp_path)
    assert unmet(route, None, "POST", "/entries/7/close", 0.0) == StepUp(2, 300)
    assert unmet(route, None, "DELETE", "/entries/7", 0.0) == StepUp(2, None)
    assert unmet(route, None, "POST", "/entries", 0.0) is None


def test_a_program_is_challenged_as_it_shows() -> None:
    ((_, shown),) = blocks(PAGE, "http")
    name, value = challenge(STEP_UP_NEEDED.title, {"acr_values": ACR[2], "max_age": "300"})
    assert f"{name.decode().title().replace('Www', 'WWW')}: {value.decode('utf-8')}" in shown
