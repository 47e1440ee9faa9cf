"""What `docs/how-to/describe-scopes.md` shows: an API that the administration takes, and people's words for it."""

from __future__ import annotations

from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.administration.conftest import House, house
from tests.idp.people import HOUSE

__all__ = ["house"]

PAGE = PROJECT / "docs" / "how-to" / "describe-scopes.md"


async def test_its_api_is_taken(house: House) -> None:
    asked = {**defined_by(PAGE)["ORDERS"], "organisation_id": str(HOUSE)}
    made = await house("POST", "/resources", asked)
    assert made.status_code == 201, made.text
    assert made.json()["scopes"] == asked["scopes"]
