"""A sensitive act asks for a fresher or stronger sign-in, and then goes on with the very same request (RFC 9470).

Owns: what a route demands beyond policy, and the page that keeps a form in its person's browser while they prove who
they are.

Does not own: what policy demands (`policy.step_up`), the challenge to programs (`gateway.decision.enforcement`), the
sign-in itself (`gateway.relying_party`).
"""
