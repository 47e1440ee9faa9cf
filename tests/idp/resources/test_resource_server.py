"""What may be described, and by whom."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from idp.protocol.access_token import AUDIENCE
from idp.resources.resource_server import faults
from tests.idp.resources.described import orders, scope, server

HOUSE = UUID("00000000-0000-4000-8000-0000000000aa")


@pytest.mark.parametrize(
    ("identifier", "organisation_id", "sound"),
    [
        ("https://orders.example/api", HOUSE, True),
        (AUDIENCE, None, True),
        (AUDIENCE, HOUSE, False),
        ("urn:munjigi:another", None, False),
        ("urn:others:api", HOUSE, True),
    ],
)
def test_the_names_of_the_house_are_its_own(identifier: str, organisation_id: UUID | None, sound: bool) -> None:
    found = faults(server(identifier, organisation_id=organisation_id), longest=300)
    assert [fault.partition(":")[0] for fault in found] == ([] if sound else ["identifier"])


@pytest.mark.parametrize(
    ("seconds", "sound"), [(None, True), (9, False), (10, True), (300, True), (301, False), (-1, False)]
)
def test_no_token_lives_longer_than_any(seconds: int | None, sound: bool) -> None:
    found = faults(replace(orders(), access_token_lifetime=seconds), longest=300)
    assert found == ([] if sound else ["access_token_lifetime: 10 to 300 seconds are expected"])


def test_a_scope_is_for_somebody() -> None:
    nobodys = scope("nobodys", for_people=False, for_programs=False)
    assert faults(server("https://x.example/", nobodys), longest=300) == ["scopes: nobodys is for nobody"]
