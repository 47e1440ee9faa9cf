"""A document that is asked for again is not decoded again, and little is kept."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from policy import artefact, decoded
from policy.decoded import Decoded
from policy.versions import Version
from tests.policy.samples import policy, rule
from tests.policy.test_versions import AT


def version(number: int, name: str) -> Version:
    document = artefact.encode(policy(rule(name)))
    return Version(number, "draft", document, artefact.digest(document), "u", "why", AT)


async def test_the_same_document_is_decoded_once_and_another_one_is_another() -> None:
    kept, first = Decoded(), version(1, "one")
    policies = [await kept.of(one) for one in (first, version(2, "two"), replace(first, number=3))]
    assert policies[0] is policies[2]
    assert [one.rules[0].id for one in policies] == ["one", "two", "one"]


async def test_few_are_kept_and_no_more_than_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, many = Decoded(), [version(number, f"r{number}") for number in range(10)]
    first = [await kept.of(one) for one in many]
    again = [await kept.of(one) is known for one, known in zip(reversed(many), reversed(first), strict=True)]
    assert again == [True] * decoded.KEPT + [False] * (len(many) - decoded.KEPT)
    monkeypatch.setattr(decoded, "LARGEST", 1)
    newest = await kept.of(many[0])
    assert await kept.of(many[0]) is newest
    other = await kept.of(many[1])
    assert await kept.of(many[0]) is not newest
    assert await kept.of(many[1]) is not other
