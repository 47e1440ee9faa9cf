"""A client of the policy API for Python: small, synchronous, typed by the API's own messages.

Owns: tokens by client credentials, requests with their preconditions and Idempotency-Keys, what is sent again, errors.

Does not own: anything of the service behind it, of which it imports the messages alone.

    with PolicyClient(address, ClientCredentials(issuer, client_id, SigningKey(pem))) as policy:
        draft = policy.versions.draft(DraftRequest(rules=lines, why="…"))
        policy.versions.publish(draft.value.version.number, "…", match=draft.tag)
"""

from policy.client.client import PolicyClient
from policy.client.errors import ApiProblem, NoToken, PolicyError, Unreachable
from policy.client.exchange import Tagged
from policy.client.proofs import SigningKey, WrongKey
from policy.client.tokens import ClientCredentials

__all__ = [
    "ApiProblem",
    "ClientCredentials",
    "NoToken",
    "PolicyClient",
    "PolicyError",
    "SigningKey",
    "Tagged",
    "Unreachable",
    "WrongKey",
]
