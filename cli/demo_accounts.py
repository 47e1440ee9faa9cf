"""Who can sign in once the demo data are loaded, for the table that `munjigi up` prints."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import config

DEMO_FILE = Path(config.__file__).parent / "shipped" / "demo.toml"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One demo person."""

    name: str
    password: str
    description: str


def demo_accounts() -> list[DemoAccount]:
    """The demo people that ship with the product."""
    if not DEMO_FILE.exists():
        return []
    with DEMO_FILE.open("rb") as file:
        people = tomllib.load(file).get("person", [])
    return [DemoAccount(str(p.get("login")), str(p.get("password")), str(p.get("description", ""))) for p in people]
