"""Every reason for which something that lives on is ended stands in `docs/reference/live-connections.md`, no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from gateway.decision import live_check
from idp.sessions.machine_session import MachineEndReason
from idp.sessions.session import EndReason

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "live-connections.md"


def test_the_reasons_are_those_of_the_code() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| reason |")[2].partition("\n\n")[0]
    told = {reason for row in table.splitlines()[2:] for reason in re.findall(r"`(\w+)`", row.split("|")[1])}
    code = Path(live_check.__file__).read_text(encoding="utf-8")
    given = set(re.findall(r'"((?:session|token)_[a-z]+|decided_anew|no_longer_allowed)"', code))
    assert len(given) == 6
    assert told == given | set(get_args(EndReason)) | set(get_args(MachineEndReason))
