"""The tamper-evident record of every attempt and every decision.

Owns: the trail of authentication events (written in the event's own transaction), what is told of signing keys that
change, the segment files of decisions, the sealer that puts both into one hash chain by their Merkle roots, and the
verification of all of it.

Does not own: what is decided or attempted (the rooms that call it do) nor the service's logs (`config.log`).

Writers are never serialised: no record refers to the one before it. Order and completeness are proven afterwards, by
the chain of sealed segments.
"""
