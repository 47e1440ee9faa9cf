"""Which addresses the console has: for each a page whose module asks the APIs."""

from __future__ import annotations

import re
from dataclasses import dataclass

IDENTITY = re.compile(r"[0-9A-Za-z_-]{1,64}")
"""What an address may name: a uuid, a session id, a number."""


@dataclass(frozen=True, slots=True)
class View:
    """One kind of page."""

    name: str
    """Of its module in `views/`, and of its words."""
    path: str
    section: str
    """Which entry of the navigation it belongs to: the list that it is an object of, or itself."""


VIEWS = (
    View("sessions", "/sessions", "sessions"),
    View("session", "/sessions/{id}", "sessions"),
    View("people", "/people", "people"),
    View("person", "/people/{id}", "people"),
    View("resets", "/resets", "resets"),
    View("organisations", "/organisations", "organisations"),
    View("organisation", "/organisations/{id}", "organisations"),
    View("authentication", "/organisations/{id}/authentication", "organisations"),
    View("programmes", "/programmes", "programmes"),
    View("programme", "/programmes/{id}", "programmes"),
    View("deliveries", "/deliveries", "deliveries"),
    View("versions", "/policy", "versions"),
    View("version", "/policy/{id}", "versions"),
    View("draft", "/policy/{id}/edit", "versions"),
    View("decisions", "/decisions", "decisions"),
    View("decision", "/decisions/{id}", "decisions"),
    View("explain", "/explain", "decisions"),
    View("roles", "/roles", "roles"),
    View("zones", "/zones", "zones"),
    View("elevations", "/elevations", "elevations"),
    View("elevation", "/elevations/{id}", "elevations"),
    View("measures", "/measures", "measures"),
    View("measure", "/measures/{id}", "measures"),
    View("analysis", "/analysis", "analysis"),
    View("plan", "/plan/{id}", "programmes"),
    View("notices", "/notices/{id}", "programmes"),
    View("progress", "/progress/{id}", "programmes"),
    View("report", "/report/{id}", "programmes"),
    View("support", "/support", "support"),
    View("supported", "/support/{id}", "support"),
)
LISTS = tuple(view for view in VIEWS if view.name == view.section)
"""The navigation, in its order."""
FOR_SUPPORT = frozenset({"support"})
"""Sections of those whose role is `support` and who administer nothing."""
KEYS = {
    "sessions": "s",
    "people": "p",
    "resets": "t",
    "organisations": "o",
    "programmes": "w",
    "deliveries": "d",
    "versions": "v",
    "decisions": "x",
    "roles": "r",
    "zones": "z",
    "elevations": "e",
    "measures": "m",
    "analysis": "a",
    "support": "h",
}
"""After `g`, the key that goes there."""
