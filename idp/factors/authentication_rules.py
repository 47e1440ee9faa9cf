"""What an organisation says of how its people prove who they are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from idp.factors.attestation import ANY_KEY, AttestationPolicy
from idp.protocol.assurance import HOUSE, SATISFIES, Counting


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationRules:
    """Which keys it takes, and which methods count for which `acr`."""

    attestation: AttestationPolicy = ANY_KEY
    counting: Counting = HOUSE
    version: int = 0
    """Rises with each change; 0: nobody ever said anything."""

    def fault(self, *, models_known: bool) -> str | None:
        """Why an organisation cannot say so, in words for its administrator; None: it can.

        `models_known`: this installation has the metadata of models; without it no key could be attested.
        """
        counting = self.counting
        for level, wider in ((level, counting.of(level) - SATISFIES[level]) for level in SATISFIES):
            if wider:
                return f"methods.acr{level}: {', '.join(sorted(wider))} cannot reach it"
        if not counting.two:
            return "methods.acr2: one at least, or nobody could reach it"
        if counting.three - counting.two:
            return "methods.acr3: what reaches it reaches acr2, too"
        if self.attestation.demands_proof and not models_known:
            return "attestation: no model is known here; set idp.passkey_metadata first"
        if set(self.attestation.allowed) & set(self.attestation.denied):
            return "attestation: a model is both allowed and denied"
        return None

    def differences(self, other: AuthenticationRules) -> list[str]:
        """What of them is not the same, by the names of the record."""
        changed = {
            "attestation": self.attestation != other.attestation,
            "methods": self.counting != other.counting,
        }
        return [name for name, differs in changed.items() if differs]
