"""What an organisation says of how its people prove who they are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from idp.factors.attestation import ANY_KEY, AttestationPolicy
from idp.protocol.assurance import HOUSE, SATISFIES, Counting, Way

ENROLLED_AT_LOGIN: frozenset[Way] = frozenset({"passkey", "totp"})
"""What every house can lead anybody to at a sign-in: one of them must be left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationRules:
    """Which keys it takes, which methods count for which `acr`, and which may not be used at all."""

    attestation: AttestationPolicy = ANY_KEY
    counting: Counting = HOUSE
    """As it is said; what is forbidden counts for nothing, whatever it says (`effective`)."""
    forbidden: frozenset[Way] = frozenset()
    """Neither offered nor taken: not to be set up, at a sign-in, when somebody proves again who they are, or on the way
    back in."""
    verified_approvals: bool = False
    """A device approves only together with a passkey of its person, which verifies its user."""
    version: int = 0
    """Rises with each change; 0: nobody ever said anything."""

    @property
    def effective(self) -> Counting:
        """Which methods count in the end."""
        return self.counting.without(self.forbidden)

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
        if self.forbidden >= ENROLLED_AT_LOGIN:
            return "forbidden: passkeys or apps must be left, or nobody could set up another way"
        if not self.effective.two:
            return "forbidden: nothing would be left that reaches acr2"
        if self.verified_approvals and "passkey" in self.forbidden:
            return "verified_approvals: it takes passkeys, which are forbidden"
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
            "forbidden": self.forbidden != other.forbidden,
            "verified_approvals": self.verified_approvals != other.verified_approvals,
        }
        return [name for name, differs in changed.items() if differs]
