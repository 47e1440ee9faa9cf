"""What may be done now: facts -> risk -> decision.

Owns: the request and decision types, risk signals, Casbin's model and the compiled snapshot, signed versions, the
admin policy API.

Does not own: how facts are found (`gateway`, `idp`) nor what is done with an answer (`gateway.decision.enforcement`).
"""
