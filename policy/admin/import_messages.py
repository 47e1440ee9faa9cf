"""What is sent to take over Casbin's own files."""

from __future__ import annotations

from typing import Annotated

import msgspec

from policy.admin.messages import Why
from policy.casbin_files.reading import Setting


class ImportRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Casbin model and its policy, as the files are, to become a draft."""

    why: Why
    model: Annotated[str, msgspec.Meta(max_length=1_000_000)]
    policy: str
    setting: Setting
    """What Casbin's files do not say: the zone that they are about, above all."""
