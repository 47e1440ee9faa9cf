"""What a receiver is told, in the names by which its client knows people, sessions and devices: pure.

Receivers of different sectors cannot compare what they hear any more than apps can compare tokens (OIDC Core 1.0,
section 8.1; decision 0049).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from idp.protocol.pairwise import PairwiseSubjects, sector_of
from idp.sessions.delivery import Delivery

_SHARED = ("correlation_id", "friendly_name")
"""What every receiver of one event would see alike: `txn`, and a name that its person gave."""


def as_known_to(delivery: Delivery, sector: Sequence[str] | None, pairwise: PairwiseSubjects) -> Delivery:
    """The delivery as it may be told where people have identifiers of the sector that these addresses name; None: by
    their own. Raises `ValueError` where there is no such sector, or a name is not one of ours: it cannot be told."""
    if sector is None:
        return delivery
    host = sector_of(sector)
    facts = {name: value for name, value in delivery.facts.items() if name not in _SHARED}
    if "sub" in facts:
        facts["sub"] = pairwise.of(UUID(facts["sub"]), host)
    if "sid" in facts:
        facts["sid"] = pairwise.sid_of(facts["sid"], host)
    if "device" in facts:
        facts["device"] = pairwise.device_of(UUID(facts["device"]), host)
    return replace(delivery, facts=facts)
