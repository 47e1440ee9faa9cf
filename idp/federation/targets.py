"""Where an upstream may stand, as far as an address says it; where its name leads is judged by `config.outbound`.

An organisation's administrator names it, so it is a stranger's address: `https` alone; `http` only on this very
machine, where the house itself is on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from config.this_machine import is_this_machine
from idp.protocol.redirect_uri import is_registrable

LONGEST = 512
"""Characters of an address."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What a house takes for the address of an upstream."""

    this_machine: bool = False

    @classmethod
    def of(cls, issuer: str) -> Targets:
        """For a house of this issuer."""
        return cls(is_this_machine(urlsplit(issuer).hostname or ""))

    def allows_uri(self, uri: str) -> bool:
        """Whether an address may be asked, or a browser be sent there."""
        if len(uri) > LONGEST or not is_registrable(uri):
            return False
        return urlsplit(uri).scheme == "https" or self.this_machine
