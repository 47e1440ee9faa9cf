"""The bodies that `docs/how-to/write-a-policy.md` sends are understood by the admin policy API."""

from __future__ import annotations

import msgspec

from policy import casbin_lines
from policy.admin.messages import DraftRequest, ExplainRequest, PublishRequest, RollbackRequest
from tests.docs.test_examples import PROJECT, blocks

PAGE = PROJECT / "docs" / "how-to" / "write-a-policy.md"


def test_its_bodies_are_understood() -> None:
    draft, publish, rollback, explain = (body for _, body in blocks(PAGE, "json"))
    assert casbin_lines.read(msgspec.json.decode(draft, type=DraftRequest).rules).rules
    assert msgspec.json.decode(publish, type=PublishRequest).why
    assert msgspec.json.decode(rollback, type=RollbackRequest).to == 6
    assert msgspec.json.decode(explain, type=ExplainRequest).request.zone == "shop"
