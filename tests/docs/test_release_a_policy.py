"""The bodies that `docs/how-to/release-a-policy.md` shows do what it says, at the API of the tests."""

from __future__ import annotations

import msgspec

from tests.docs.test_examples import PROJECT, blocks
from tests.policy.test_admin import ADMIN, Caller
from tests.policy.test_releases import OTHER, four_eyes, published, tag

__all__ = ["four_eyes"]

PAGE = PROJECT / "docs" / "how-to" / "release-a-policy.md"


async def test_its_bodies_release_a_policy(four_eyes: Caller) -> None:
    draft, shadow, approval, publish = (msgspec.json.decode(body) for _, body in blocks(PAGE, "json"))
    made = (await four_eyes("POST", "/drafts", draft)).json()
    assert made["warnings"] == []
    number = made["version"]["number"]
    report = (await four_eyes("POST", f"/versions/{number}/test")).json()
    assert (report["passed"], report["failed"]) == (2, 0)
    assert (await four_eyes("POST", f"/versions/{number}/shadow", shadow)).json()["running"] is True
    match = await tag(four_eyes, number)
    for who, status in ((ADMIN, 403), (OTHER, 200)):
        answer = await four_eyes("POST", f"/versions/{number}/approval", approval, who=who, match=match)
        assert answer.status_code == status
    assert (await published(four_eyes, number, **publish)).status_code == 200
