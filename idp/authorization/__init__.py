"""From an authorization request to a code: the request and its checks, the login in between, its next step.

Owns: `AuthorizationRequest`, `Login` and its transitions, `next_step` (the only dispatcher), the MAC of each hop.

Does not own: how a person proves who they are (`credentials`, `factors`), nor sessions (`sessions`): the caller hands
in what the next step must know of them.
"""
